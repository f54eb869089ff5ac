"""What people see: progress on stderr, tables on stdout; the only user of rich."""

import textwrap
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from fastphash.base.text import rough
from fastphash.base.vocabulary import KINDS

if TYPE_CHECKING:
    import pyarrow as pa

    from fastphash.joins.options import SearchReport


# a line that often where there is no terminal to draw a bar on
_SECONDS_BETWEEN_LINES = 10.0
# more splits than this don't fit side by side
_MATRIX_SPLITS = 4
_LEAK_LINES = 12
_SKIPPED_LINES = 10
_KIND_LINES = 24
#: Lost pairs that an evaluation names.
MISSED = 8


class ProgressScreen:
    """Shows progress(stage, done, total): a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = self._console.is_terminal
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._stage = ""
        self._began = 0.0
        self._said = 0.0

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Show no more."""
        if self._live:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` (0: not known) are done."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._said = stage, now, now
            if self._live:
                if self._task is not None:
                    self._bar.remove_task(self._task)
                self._task = self._bar.add_task(stage, total=None, rate="")
        seconds = now - self._began
        rate = f"{done / seconds:,.0f}/s" if stage == "hashing" and seconds > 0.5 else ""
        if self._live and self._task is not None:
            self._bar.update(self._task, completed=done, total=total or None, rate=rate)
        elif now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            of_total = f" of {total:,}" if total else ""
            left = f", {(total - done) * seconds / done:,.0f} s left" if total and done else ""
            line = f"{stage}: {done:,}{of_total} {rate}{left}".rstrip()
            self._console.print(line, highlight=False, soft_wrap=True)


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; the first column is text, the others are figures."""
    table = Table(box=SIMPLE, pad_edge=False)
    for i, name in enumerate(header):
        # folded where it doesn't fit: a figure that is cut would be another figure
        table.add_column(name, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    console = _console()
    _print_title(console, title)
    console.print(table)


def show_lines(title: str, lines: Iterable[str]) -> None:
    """Print a title and lines of text below it, broken between words only: paths stay whole."""
    console = _console()
    _print_title(console, title)
    for line in lines:
        for part in textwrap.wrap(
            _clean(line), console.width - 4, break_long_words=False, break_on_hyphens=False
        ):
            console.print(Text(f"  {part}"), soft_wrap=True)
    console.print()


def count(number: int) -> str:
    """1234 as 1,234 and nothing at all as a dash."""
    return f"{number:,}" if number else "-"


def show_audit(summary: dict[str, Any], tallies: dict[str, Any], out: str) -> None:
    """The result of an audit, for people; `tallies` says what this run did for each split."""
    splits, leaks = summary["splits"], summary["leaks"]
    kinds = [k for k in _kinds(splits) if any(s["copies"].get(k) for s in splits.values())]
    show_table(
        "Inside each split",
        ["split", "images", "distinct", *(kinds or ["copies"]), "rejected"],
        [
            [
                name,
                count(split["images"]),
                count(split["distinct"]),
                *([count(split["copies"].get(kind, 0)) for kind in kinds] or ["-"]),
                count(split["rejected"]),
            ]
            for name, split in splits.items()
        ],
    )
    if colliding := sum(split["collisions"] for split in splits.values()):
        why = "look otherwise" if summary["thumbnails"] else "nobody could look"
        show_lines(
            "Collisions inside splits",
            [f"{colliding:,} images share a hash with another, but {why}"],
        )
    _show_distances(summary)
    _show_how(summary)
    if leaks:
        _show_leaks(leaks, list(splits), thumbnails=summary["thumbnails"])
    _show_conflicts(summary["labels"])
    show_reasons(summary["rejected"], sum(split["skipped"] for split in splits.values()))
    groups = summary["groups"]
    if groups["groups"]:
        show_table(
            f"Largest of {groups['groups']:,} groups" if groups["groups"] > 1 else "The only group",
            ["keeper", "images"],
            [[f"{g['split']}/{g['path']}", count(g["images"])] for g in groups["largest"]],
        )
    names = [*summary["files"].values(), "summary.json"]
    show_lines(f"Written to {out}", [", ".join(names), _what_was_done(tallies)])


def show_unseen(number: int) -> None:
    """Say how many near ones nobody looked at, though that was wanted."""
    if number:
        what = f"{number:,} near, perhaps copies, perhaps only alike"
        show_lines("Note", [f"not looked at, since thumbnails are missing: {what}"])


def show_nearest(found: list[dict[str, Any]], images: Sequence[str]) -> None:
    """Print the stored images nearest to each image, or that there is none."""
    of_image: dict[str, list[dict[str, Any]]] = {image: [] for image in images}
    for row in found:
        of_image.setdefault(row["query"], []).append(row)
    for image, rows in of_image.items():
        if not rows:
            show_lines(f"Nearest to {image}", ["no stored image is that near"])
            continue
        show_table(
            f"Nearest to {image}",
            ["image", "bits", "kind", "orientation", "score"],
            [
                [
                    f"{row['split']}/{row['path']}",
                    str(row["distance"]),
                    row["kind"],
                    row["orientation"],
                    "-" if row["score"] is None else f"{row['score']:.2f}",
                ]
                for row in rows
            ],
        )


def show_search(search: "SearchReport") -> None:
    """Say on stderr how pairs are searched, and afterwards what it took."""
    console = Console(stderr=True, highlight=False)
    sides = f"{search.left:,} hashes"
    if search.right:
        sides += f" against {search.right:,}"
    if search.ended:
        line = f"  took {search.seconds:,.3f} s and found {search.pairs:,} pairs of hashes"
    else:
        plan = search.plan
        line = (
            f"{sides} within {plan.radius} bits: {plan}; about {plan.comparisons:,.0f} "
            f"comparisons, {plan.seconds:,.3f} s"
        )
    console.print(Text(line), soft_wrap=True)


def show_plan(
    counts: dict[str, Any], made: dict[str, Any], audited: dict[str, Any], out: str
) -> None:
    """What a clean plan comes to, and how to go on; `audited` is the summary of the audit."""
    kinds = [kind for kind in KINDS if any(split["kinds"].get(kind) for split in counts.values())]
    unlikely = {kind for kind in _unfindable(made, audited) if kind not in kinds}
    looked_for = [kind for kind in made["kinds"] if kind not in unlikely]
    show_table(
        f"Plan: copies that go, of kinds {', '.join(looked_for)}",
        ["split", "images", "stay", "go", *kinds],
        [
            [
                name,
                count(split["keep"] + split["remove"]),
                count(split["keep"]),
                count(split["remove"]),
                *(count(split["kinds"].get(kind, 0)) for kind in kinds),
            ]
            for name, split in counts.items()
        ],
    )
    lines = []
    if rejected := sum(split["rejected"] for split in audited["splits"].values()):
        lines.append(f"files without a hash, which the plan is not about: {rejected:,}")
    if not audited["thumbnails"]:
        lines.append("without thumbnails only identical images are known to be copies")
    if "near" in unlikely:
        lines.append("the audit has radius 0, so none is near: audit again with --radius")
    if made["decisions"] or made["stale_decisions"]:
        stale = f"; {made['stale_decisions']:,} are of images that have changed or are gone"
        lines.append(
            f"{made['decisions']:,} decisions count{stale * bool(made['stale_decisions'])}"
        )
    if lines:
        show_lines("Note", lines)
    show_lines(
        f"Written to {out}/plan.parquet; nothing was touched. To go on",
        [
            f"fastphash clean {out} --apply: lists of what stays",
            f"fastphash clean {out} DIR --apply --to copy: a clean tree (or hardlink, symlink)",
            f"fastphash clean {out} DIR --apply --to move: what goes is moved aside",
        ],
    )


def _unfindable(made: dict[str, Any], audited: dict[str, Any]) -> set[str]:
    """Kinds that were asked for, but that nothing can be found to be."""
    found = set() if audited["thumbnails"] else {"exact", "augmented"}
    if not made["radius"]:
        found.add("near")
    return found.intersection(made["kinds"])


def show_applied(applied: dict[str, Any], what: str, skipped_file: str) -> None:
    """What became of the images that a plan was about; `applied` is as `Applied.as_json`."""
    said = applied["skipped"] + applied["rescued"]
    numbers = {
        "planned": applied["planned"],
        "done": applied["done"],
        "done before": applied["already"],
        "skipped": len(applied["skipped"]),
    }
    if applied["rescued"]:
        numbers["stay after all"] = len(applied["rescued"])
    show_table(f"Images, {what}", list(numbers), [[count(number) for number in numbers.values()]])
    if said:
        lines = [f"{image['split']}/{image['path']}: {image['why']}" for image in said]
        if len(lines) > _SKIPPED_LINES:
            more = f"and {len(lines) - _SKIPPED_LINES:,} more: {skipped_file}"
            lines[_SKIPPED_LINES:] = [more]
        show_lines("Not as planned", lines)
    if applied["files"]:
        gone = applied["annotations_gone"]
        also = [f"{gone:,} annotations left out"] if gone else []
        show_lines("Written", [*applied["files"], *also])


def show_evaluation(found: dict[str, Any], missed: "pa.Table", truth: str, folder: str) -> None:
    """How right an audit is; `found` and `missed` are as of an `Evaluation`."""
    listed, lost, audit = found["true"], found["lost"], found["audit"]
    lines = [f"{listed['pairs']:,} pairs of {listed['images']:,} images"]
    why = {
        "rejected": "lost: an image was rejected",
        "radius": f"lost: further apart than {found['radius']} bits",
        "unseen": "lost: of one hash, but without thumbnails nobody could look",
        "score": f"lost: near enough, but {_why_no_copies(found['min_score'])}",
        "colour": "lost: near enough and alike, but in different colours",
    }
    lines += [f"{lost[name]:,} {text}" for name, text in why.items() if lost[name]]
    show_lines(f"Listed by {truth}", lines)
    if missed.num_rows:
        lines = [_lost_pair(row) for row in missed.to_pylist()]
        if more := sum(lost.values()) - len(lines):
            lines.append(f"and {more:,} more in pairs.parquet")
        show_lines("Lost pairs, the most alike first", lines)
    columns = ["accused", "right", "precision", "recall", "F1"]
    show_table(
        "The audit",
        ["", *columns, "average\nprecision"],
        [
            [side, *_measured(audit[side]), f"{found['average_precision'][side]:.3f}"]
            for side in ("pairs", "images")
        ],
    )
    show_table(
        "By kind: pairs, and the images in them",
        ["kind", "pairs", "right", "precision", "images", "right", "precision"],
        [
            [
                kind,
                *_measured(row["pairs"])[:3],
                *_measured(row["images"])[:3],
            ]
            for kind, row in found["by_kind"].items()
            if row["pairs"]["accused"]
        ],
    )
    if found["by_listed_kind"]:
        rows = sorted(found["by_listed_kind"].items(), key=lambda item: -item[1]["listed"])
        show_table(
            "By kind as listed",
            ["kind", "pairs", "found", "recall"],
            [
                [kind or "-", count(row["listed"]), count(row["found"]), _percent(row["recall"])]
                for kind, row in rows[:_KIND_LINES]
            ],
        )
    twentieths = {s: row for s, row in found["by_score"].items() if s[-1] in "05"}
    _show_measured("By score", "from", twentieths)
    _show_measured("By distance alone", "bits", found["by_distance"])
    lines = [
        *_advice("score", "from a score of {}", found["best"]["score"]),
        *_advice("distance", "up to {} bits", found["best"]["distance"]),
        f"accused pairs that aren't listed: {found['unlisted']:,}"
        + "; look at them in unlisted.html" * bool(found["unlisted"]),
    ]
    show_lines("To choose", lines)
    show_lines(
        f"Written to {folder}",
        ["evaluation.json, pairs.parquet, precision-recall.svg, unlisted.html"],
    )


def _lost_pair(row: dict[str, Any]) -> str:
    names = f"{row['split']}/{row['path']} and {row['other_split']}/{row['other_path']}"
    if row["distance"] is None:
        return f"{names}: rejected"
    score = "no score" if row["score"] is None else f"score {row['score']:.2f}"
    return f"{names}: {row['distance']} bits, {score}"


def _why_no_copies(min_score: float | None) -> str:
    if min_score is None:
        return "their thumbnails or colours differ"
    return f"scored below {min_score:g}"


def _advice(what: str, where: str, best: dict[str, Any]) -> list[str]:
    if best["f1"] is None:
        return []
    most, enough = best["f1"], best["precision_99"]
    lines = [f"best F1 by {what}: {most['f1']:.3f}, {where.format(_plain(most['threshold']))}"]
    if enough is None:
        return [*lines, f"99 % right by {what}: nowhere"]
    at = where.format(_plain(enough["threshold"]))
    return [*lines, f"99 % right by {what}: {at}, where {_percent(enough['recall'])} are found"]


def _plain(number: float) -> str:
    return f"{number:g}"


def _show_measured(title: str, first: str, rows: dict[str, dict[str, Any]]) -> None:
    """Figures of pairs, and shares of images, where they differ from those in the row before."""
    shown = []
    before = None
    for name, row in rows.items():
        if row["pairs"]["accused"] and row != before:
            shares = (_percent(row["images"][share]) for share in ("precision", "recall"))
            shown.append([name, *_measured(row["pairs"]), *shares])
        before = row
    if shown:
        pairs = ["accused", "right", "precision", "recall", "F1"]
        images = ["images:\nprecision", "images:\nrecall"]
        show_table(title, [first, *pairs, *images], shown)


def _measured(row: dict[str, Any]) -> list[str]:
    return [
        count(row["accused"]),
        count(row["right"]),
        _percent(row["precision"]),
        _percent(row["recall"]),
        "-" if row["f1"] is None else f"{row['f1']:.3f}",
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"


def show_calibration(found: dict[str, Any], store: str) -> None:
    """How many near pairs are copies; `found` is as `Calibrated.summary`."""
    different = found["images"] - found["identical"] - found["equal"]
    alike, decoys = "hashes", ""
    if found["scores"]:
        alike = "hashes and thumbnail"
        decoys = f", and {found['decoys']:,} of an image and another's negative"
    lines = [
        (
            f"of {found['images']:,} images, {found['identical']:,} with the bytes of another and "
            f"{found['equal']:,} with another's {alike} are left out"
        ),
        f"pairs of the others within {found['radius']} bits: {found['pairs']:,}{decoys}",
    ]
    if found["needles"] < different:
        lines.append(
            f"sampled: pairs of {found['needles']:,} of {different:,} images, each with all"
        )
    if not found["scores"]:
        lines.append("no thumbnails: nothing can be looked at, and distances alone tell")
    if different < 2:
        lines.append("nothing can be told: there are no two different images")
    elif not found["pairs"]:
        lines.append(
            f"nothing can be told: no two images are within {found['radius']} bits; a larger "
            "--radius may find some"
        )
    show_lines(f"Near pairs of {store}", lines)
    if not found["pairs"]:
        return
    columns = ["pairs", "by chance", "copies", "at least", "at most"]
    if found["scores"]:
        show_table(
            "By score",
            ["score from", *columns],
            [[f"{row['score']:.2f}", *_estimated(row)] for row in found["scores"] if row["pairs"]],
        )
    show_table(
        "By distance alone",
        ["bits up to", *columns],
        [[str(row["distance"]), *_estimated(row)] for row in found["distances"]],
    )
    advised = found["recommended"]
    share = f"{advised['precision'] * 100:g} %"
    few = f"no threshold: too few pairs, or too many by chance, to be {share} copies"
    looked = unseen = few
    if advised["min_score"] is not None:
        looked = f"--min-score {advised['min_score']:.2f}, at --radius {advised['radius']}"
    if advised["unseen_radius"] is not None:
        unseen = f"--no-verify --radius {advised['unseen_radius']}"
    lines = [f"by score: {looked}"] * bool(found["scores"])
    show_lines(f"So that {share} are copies", [*lines, f"by distance alone: {unseen}"])


def _estimated(row: dict[str, Any]) -> list[str]:
    shares = (row["precision"], row["least"], row["most"])
    texts = ("-" if share is None else f"{share * 100:.1f} %" for share in shares)
    chance = f"{row['chance']:,.{0 if row['chance'] >= 10 else 1}f}"
    return [count(row["pairs"]), chance, *texts]


def _what_was_done(tallies: dict[str, Any]) -> str:
    def total(word: str) -> int:
        return sum(getattr(tally, word) for tally in tallies.values())

    text = (
        f"{total('inputs'):,} inputs: {total('hashed'):,} hashed, {total('kept'):,} unchanged, "
        f"{total('rejected'):,} rejected, {total('skipped'):,} skipped"
    )
    also = {word: total(word) for word in ("changed", "gone", "missing")}
    return text + "".join(f"; {number:,} {word}" for word, number in also.items() if number)


def _kinds(splits: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(kind for split in splits.values() for kind in split["copies"]))


def _show_leaks(leaks: list[dict[str, Any]], names: list[str], *, thumbnails: bool) -> None:
    cells = {(leak["needles"], leak["haystack"]): leak for leak in leaks}
    if len(names) <= _MATRIX_SPLITS:
        show_table(
            "Leaks: images of a split (row) that are also in another (column)",
            ["", *names],
            [[a, *(_share(cells.get((a, b))) for b in names)] for a in names],
        )
    lines = []
    for leak in sorted(leaks, key=lambda leak: -leak["share"]):
        if leak["leaked"]:
            kinds = ", ".join(
                f"{number:,} {kind}"
                for kind, number in leak["kinds"].items()
                if number and kind != "collision"
            )
            lines.append(
                f"{leak['leaked']:,} of {leak['images']:,} {leak['needles']} images "
                f"({leak['share'] * 100:.1f} %) are also in {leak['haystack']}: {kinds}"
            )
    if len(lines) > _LEAK_LINES:
        lines[_LEAK_LINES:] = [f"and {len(lines) - _LEAK_LINES} more in summary.json"]
    show_lines("Leaks in words", lines or ["no image of one split is in another"])
    collisions = sum(leak["kinds"]["collision"] for leak in leaks)
    if collisions:
        why = "they look otherwise" if thumbnails else "without thumbnails nothing can tell"
        show_lines(
            "Collisions",
            [f"{collisions:,} images share a hash with another split, not counted above: {why}"],
        )


# the last distance of each column
_DISTANCES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 64)


def _show_how(summary: dict[str, Any]) -> None:
    radius, least = summary["radius"], summary["min_score"]
    if not radius:
        show_lines("What near means here", ["Candidates are equal hashes only"])
        return
    line = (
        f"Candidates are hashes within {radius} bits, by chance {rough(summary['chance'])} an image"
    )
    if least is None:
        line += "; nobody looked at the near ones: perhaps copies, perhaps only alike"
    elif not least:
        line += "; all are near copies, however unlike, unless their colours differ"
    else:
        line += f"; near copies are those whose thumbnails are alike by {least:g} of 1 at least"
    show_lines("What near means here", [line])


def _show_distances(summary: dict[str, Any]) -> None:
    """The copies by distance, so that nobody takes those far apart for as sure as the others."""
    leaks = sorted(summary["leaks"], key=lambda leak: -leak["leaked"])
    shown = [leak for leak in leaks if leak["leaked"]][:_LEAK_LINES]
    rows = {name: split["copies_by_distance"] for name, split in summary["splits"].items()}
    rows |= {f"{leak['needles']} in {leak['haystack']}": leak["by_distance"] for leak in shown}
    found = [int(distance) for counts in rows.values() for distance in counts]
    if not summary["radius"] or not found:
        return
    furthest = max(found)
    columns: list[tuple[int, int]] = []
    for i, last in enumerate(_DISTANCES):
        first = _DISTANCES[i - 1] + 1 if i else 0
        if first <= furthest:
            columns.append((first, min(last, furthest)))
    show_table(
        "Copies by distance in bits: inside a split, and of one in another",
        ["", *(str(a) if a == b else f"{a}-{b}" for a, b in columns)],
        [
            [
                name,
                *(count(sum(n for d, n in counts.items() if a <= int(d) <= b)) for a, b in columns),
            ]
            for name, counts in rows.items()
        ],
    )


def _show_conflicts(labels: dict[str, Any]) -> None:
    """How many copies have other labels than their keepers."""
    lines = []
    if conflicts := labels.get("folder", {}).get("conflicts"):
        lines.append(f"copies in another class folder than their keeper: {conflicts:,}")
    if coco := labels.get("coco"):
        if coco["conflicts"]:
            lines.append(f"copies with other annotations than their keeper: {coco['conflicts']:,}")
        for split, unknown in coco["unknown"].items():
            ambiguous, unlisted = coco["ambiguous"][split], coco["unlisted"][split]
            if unknown or ambiguous or unlisted:
                lines.append(
                    f"COCO file of {split}: {unknown:,} of its images are not in the split, "
                    f"{ambiguous:,} could be any of several; {unlisted:,} images are not in it"
                )
    if lines:
        show_lines("Label conflicts", lines)


def _share(leak: dict[str, Any] | None) -> str:
    if leak is None:
        return ""
    return f"{leak['leaked']:,} ({leak['share'] * 100:.1f} %)" if leak["leaked"] else "-"


def show_reasons(reasons: dict[str, int], skipped: int) -> None:
    """Print why inputs gave no hash, the most frequent reasons first."""
    if reasons:
        listed = list(reasons.items())
        rows = [[reason, count(number)] for reason, number in listed[:5]]
        if len(listed) > 5:
            rows.append(["other reasons", count(sum(number for _, number in listed[5:]))])
        show_table("Rejected", ["reason", "files"], rows)
    if skipped:
        show_lines("Skipped", [f"{skipped:,} of no image's name or content (labels, for example)"])


def _console() -> Console:
    return Console(highlight=False)


def _print_title(console: Console, title: str) -> None:
    console.print(Text(_clean(title), style="bold"), soft_wrap=True)


def _text(text: str) -> Text:
    """Text as it is: no markup."""
    return Text(_clean(text))


def _clean(text: str) -> str:
    """Text without control characters, which would move the cursor, and what isn't UTF-8."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
