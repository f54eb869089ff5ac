"""What an audit comes to: the one verdict of report, terminal, JSON and exit status."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastphash.base.text import count, display_name, listed
from fastphash.base.vocabulary import (
    CONFIRMED,
    COUNTED_COPIES,
    KINDS,
    SURE_KINDS,
    UNLOOKED,
    UNVERIFIED,
)
from fastphash.hashing.algorithms import ALGORITHMS, PDQ
from fastphash.results.calibration_words import warning_in_words
from fastphash.results.doubt_words import doubtful_in_words, doubtful_kinds, only_as
from fastphash.results.leak_words import elsewhere, hashed_images, leak_in_words, share_in_words
from fastphash.results.left_out_words import not_compared_in_words
from fastphash.results.look_words import looks_in_words
from fastphash.results.priority import is_for_evaluation
from fastphash.sources.split_folders import name_split_folders

_SURE = (*SURE_KINDS, CONFIRMED)
_UNVERIFIED = KINDS[UNVERIFIED]
# crops and borders that are mostly missed, by the views that were compared; measured by
# benchmarks/accuracy/edited_copies.py
_MISSED_BY_VIEWS = {
    "none": (
        "crops by {share} % of each side or more, such as many 224-pixel centre crops",
        "borders of {share} % or more, such as letterboxes",
    ),
    "centre": ("crops off the centre", "pictures pasted into other pictures"),
    "all": (
        "crops off the centre to less than 80 % of the width or height",
        "pictures pasted into other pictures",
    ),
}
_SOUGHT_BY_VIEWS = {
    "centre": "crops of the middle, and borders",
    "all": "crops, bordered and shifted copies",
}
# bits between the turned hash of a picture and the hash of the turned picture: docs, PDQ
_TURNED_OFF = 32
_UNSEEN = "that nobody looked at"
_ONE_SPLIT = "There is one split: nothing can leak."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an audit in words.

    Attributes
    ----------
    tone : {"good", "doubt", "bad"}
        bad: images leak by kinds that leave no doubt, or by decision. doubt: they leak by other
        kinds, or nobody could look; or a single split has copies. good: none of these.
    headline : str
    sentences : list of str
        The reasons, and what else to know.
    looked_for, missed : str
        Which copies were looked for, and which can mostly not be found.
    """

    tone: Literal["good", "doubt", "bad"]
    headline: str
    sentences: list[str]
    looked_for: str
    missed: str


def judge(summary: dict[str, Any], *, decided_since: bool = False) -> Verdict:
    """Whether it is safe to train on one split and test on another.

    Parameters
    ----------
    summary : dict
        Contents of summary.json.
    decided_since : bool
        Whether something was decided after the audit.
    """
    tone, headline, reasons = (
        _judge_one_split(summary) if len(summary["splits"]) == 1 else _judge_leaks(summary)
    )
    notes = _notes(summary, decided_since=decided_since)
    return Verdict(tone, headline, [*reasons, *notes], _looked_for(summary), _missed(summary))


def count_leaks(summary: dict[str, Any], kinds: Sequence[str]) -> dict[str, int]:
    """How many images of each split leak by one of these kinds, or by decision.

    Splits without any are left out. An image counts once, by its strongest copy.
    """
    counted = {*kinds, CONFIRMED}
    numbers = {
        name: sum(split["leaks"]["kinds"][kind] for kind in counted)
        for name, split in summary["splits"].items()
    }
    return {name: number for name, number in numbers.items() if number}


def staying_in_words(staying: dict[str, int]) -> str:
    """The copies that a clean leaves; empty if there are none."""
    return listed(
        [
            count(number, f"copy {_UNSEEN}", f"copies {_UNSEEN}")
            if kind == UNLOOKED
            else count(number, f"{kind} copy", f"{kind} copies")
            for kind, number in staying.items()
        ]
    )


def kinds_to_add(staying: dict[str, int], cleaned: Sequence[str] = SURE_KINDS) -> str:
    """Kinds for a clean after which no copies stay, as its option takes them: +near.

    `staying` are the copies that a clean by the kinds `cleaned` leaves.
    """
    added = [*staying, *(kind for kind in cleaned if kind not in SURE_KINDS)]
    return ",".join(f"+{kind}" for kind in added)


def decisions_in_words(used: int, stale: int) -> str:
    """How many decisions count, and how many don't or in part; empty if there are none."""
    parts = [count(used, "decision counts", "decisions count")] if used else []
    if stale:
        unused = count(stale, "decision doesn't count", "decisions don't count")
        why = "images have changed or are not in this audit"
        parts.append(f"{unused}, or not in full, because {why}")
    return "; ".join(parts)


_Judged = tuple[Literal["good", "doubt", "bad"], str, list[str]]


def _judge_leaks(summary: dict[str, Any]) -> _Judged:
    splits = summary["splits"]
    if worst := _worst_split(splits, _SURE):
        return (
            "bad",
            "Not safe to train and test on: images of one split are also in another.",
            _leaks_in_words(worst, summary),
        )
    if worst := _worst_split(splits, COUNTED_COPIES):
        kinds = doubtful_kinds(splits)
        return (
            "doubt",
            f"Look at the {listed(kinds)} copies before you trust a test score.",
            doubtful_in_words(worst, summary),
        )
    if unverified := sum(split["leaks"]["kinds"][_UNVERIFIED] for split in splits.values()):
        hashes = count(unverified, "image has", "images have")
        return (
            "doubt",
            "Without thumbnails, it is unclear whether images leak.",
            [
                f"{hashes} the hash of an image in another split.",
                "Equal hashes are not proof: audit again with thumbnails.",
            ],
        )
    return "good", "No leak found: no image of one split was found in another.", []


def _judge_one_split(summary: dict[str, Any]) -> _Judged:
    ((name, split),) = summary["splits"].items()
    # folders of splits in it are a note of their own
    alone = [] if split["split_folders"] else [_ONE_SPLIT]
    if inside := _copies_inside(summary["splits"]):
        return "doubt", inside, alone
    if unverified := split["copies"].get(_UNVERIFIED, 0):
        hashes = f"{count(unverified, 'image has', 'images have')} the hash of another one."
        return (
            "doubt",
            "Without thumbnails, it is unclear whether images are copies.",
            [hashes, *alone],
        )
    images = count(split["distinct"], "image")
    return "good", f"No copies found among the {images} of {display_name(name)}.", alone


def _notes(summary: dict[str, Any], *, decided_since: bool) -> list[str]:
    """What else to know: copies inside splits, what a clean leaves, decisions, rejected files."""
    splits, decisions = summary["splits"], summary["decisions"]
    several = len(splits) > 1
    notes = [
        f"{name_split_folders(name, split['split_folders'])}. To find them, name each as a split."
        for name, split in splits.items()
        if split["split_folders"]
    ]
    notes += [warning_in_words(summary), looks_in_words(summary)]
    if several:
        notes.append(_copies_inside(splits))
    if staying := staying_in_words(summary["staying"]):
        verb, them = ("stays", "it") if sum(summary["staying"].values()) == 1 else ("stay", "them")
        added = f"a clean by the kinds {kinds_to_add(summary['staying'])} adds {them}"
        notes.append(f"After a clean by the default kinds {staying} {verb}; {added}.")
    if decided := decisions_in_words(decisions["used"], decisions["stale"]):
        notes.append(f"{decided}.")
    if decided_since:
        notes.append("Something was decided since: audit again, and it counts.")
    notes += _rejected_in_words(summary)
    return [note for note in notes if note]


def _rejected_in_words(summary: dict[str, Any]) -> Iterator[str]:
    """Sentences on inputs without a hash; a folder or a container counts as one of them."""
    rejected = sum(split["rejected"] for split in summary["splits"].values())
    unlisted = sum(n for why, n in summary["rejected"].items() if why.startswith("list:"))
    if files := rejected - unlisted:
        yield f"{count(files, 'file')} could not be hashed: nothing is known about them."
    if unlisted:
        places = count(unlisted, "folder or container", "folders or containers")
        yield f"{places} could not be listed as a whole: further images may be there."


def _copies_inside(splits: dict[str, Any]) -> str:
    """A sentence on images that are copies of others in their split; empty if none are."""
    parts = []
    for name, split in sorted(splits.items(), key=lambda item: -_copies(item[1])):
        if copies := _copies(split):
            parts.append(share_in_words(copies, hashed_images(split), name))
    if not parts:
        return ""
    if len(parts) > 3:
        parts[3:] = [f"images of {count(len(parts) - 3, 'further split')}"]
    single = sum(map(_copies, splits.values())) == 1
    verb = "is a copy of another image" if single else "are copies of other images"
    return f"{listed(parts)} {verb} of the same split."


def _copies(split: dict[str, Any]) -> int:
    return sum(split["copies"].get(kind, 0) for kind in COUNTED_COPIES)


def _worst_split(splits: dict[str, Any], kinds: Sequence[str]) -> str:
    """The split with the largest share of images that leak by these kinds; empty if none does.

    Of equal shares that of a split for evaluation comes first.
    """

    def leaking(name: str) -> float:
        split = splits[name]
        leaked = sum(split["leaks"]["kinds"][kind] for kind in kinds)
        return float(leaked / hashed_images(split))

    worst = max(splits, key=lambda name: (leaking(name), is_for_evaluation(name)))
    return worst if leaking(worst) else ""


def _leaks_in_words(worst: str, summary: dict[str, Any]) -> list[str]:
    splits, leaks = summary["splits"], summary["splits"][worst]["leaks"]
    sentences = [f"{', '.join([_leak_in_words(worst, splits), *only_as(leaks['kinds'])])}."]
    pairs = {
        frozenset((leak["needles"], leak["haystack"]))
        for leak in summary["leaks"]
        if leak["leaked"]
    }
    if len(pairs) > 1:
        total = len(summary["leaks"]) // 2
        number = f"All {total}" if len(pairs) == total else f"{len(pairs)} of {total}"
        sentences.append(f"{number} pairs of splits have images in common.")
    return sentences


def _leak_in_words(name: str, splits: dict[str, Any]) -> str:
    split = splits[name]
    leaked = split["leaks"]["leaked"]
    return leak_in_words(leaked, hashed_images(split), name, elsewhere(name, splits))


def _looked_for(summary: dict[str, Any]) -> str:
    kinds = ["the same bytes"]
    if summary["thumbnails"]:
        turned = ", also rotated or mirrored" if _turned_exactly(summary) else ""
        kinds.append(f"the same picture saved again or resized{turned}")
    if radii := _radii(summary):
        within = [f"{name} within {count(radius, 'bit')}" for name, radius in radii.items()]
        alike = ", and thumbnails that are alike" if summary["min_score"] else ""
        turned = ", also rotated or mirrored ones" if _turned_nearly(summary) else ""
        kinds.append(f"near copies{turned}: {' or '.join(within)}{alike}")
    if sought := _SOUGHT_BY_VIEWS.get(_views(summary)):
        kinds.append(sought)
    return f"Looked for: {'; '.join(kinds)}."


def _missed(summary: dict[str, Any]) -> str:
    missed = [] if summary["orientations"] else ["rotated and mirrored copies"]
    views, radii = _views(summary), _radii(summary)
    if not radii:
        cropped = " or cropped" if views == "none" else ""
        missed.append(f"copies that were edited{cropped} in any way")
    if radii or views != "none":
        # at 30 bits of 256, half of the crops by 5 % are found at most, by whichever hash
        share = 5 if all(ALGORITHMS[name].bits > 64 for name in radii) else 10
        missed += [text.format(share=share) for text in _MISSED_BY_VIEWS[views]]
    missed.append(f"turns by {_missed_turn(summary)} degrees or more, other than quarter turns")
    further = not_compared_in_words(summary)
    if _turned_nearly(summary):
        off = f"the turned hashes of {PDQ.name} can be {_TURNED_OFF} bits off"
        further.insert(0, f"Some rotated and mirrored copies may be missed, too: {off}")
    sentences = "".join(f" {words}." for words in further)
    return f"Mostly missed: {'; '.join(missed)}.{sentences}"


def _turned_exactly(summary: dict[str, Any]) -> bool:
    """Whether a turned copy has the hash of its original, by any of the hashes compared."""
    names = {summary["hash"], *summary.get("proposing", {})}
    return bool(summary["orientations"] and names != {PDQ.name})


def _turned_nearly(summary: dict[str, Any]) -> bool:
    """Whether turned copies are looked for by hashes alone that are near those of the originals."""
    return bool(summary["orientations"] and not _turned_exactly(summary))


def _radii(summary: dict[str, Any]) -> dict[str, int]:
    """The radius of the compared hash, unless it is 0, and those of hashes that proposed pairs."""
    proposing = summary.get("proposing", {})
    radii = {summary["hash"]: summary["radius"]}
    radii |= {name: one["radius"] for name, one in proposing.items()}
    return {name: radius for name, radius in radii.items() if radius}


def _missed_turn(summary: dict[str, Any]) -> int:
    """The least turn that is mostly missed, in degrees."""
    if _views(summary) == "all":
        # turned middles find four in five turns by 10 degrees at least, and one in six by 15
        return 15
    # of turns by 5 degrees, aligned pixels find three quarters
    return 10 if _aligned(summary) else 5


def _aligned(summary: dict[str, Any]) -> bool:
    """Whether pairs in doubt were aligned at their pixels, or would have been."""
    looks = summary.get("looks") or {}
    doubts = looks.get("doubts")
    return bool(doubts and looks["limit"] and not doubts["unaligned"])


def _views(summary: dict[str, Any]) -> str:
    """Which windows of images were compared: none by audits of earlier versions."""
    return str(summary.get("views", "none"))
