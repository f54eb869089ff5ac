"""What the upper half of a page says: the verdict, tables and charts of an audit."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.text import count, display_name, listed, share
from fastphash.base.vocabulary import COPY_KINDS, KINDS
from fastphash.report.groups import Groups

#: Kinds that leave no doubt.
SURE = KINDS[:3]
#: More splits than this don't fit into a square.
MATRIX_SPLITS = 16
_LEAK_LINES = 12
# the last value of each bar
_DISTANCES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 64)
_SIZES = (2, 3, 4, 5, 9, 99, 999, 9999, 10**12)


class Verdict(NamedTuple):
    """What the audit comes to, in words."""

    tone: Literal["good", "doubt", "bad"]
    headline: str
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart, and a row of the table that it stands in.

    Attributes
    ----------
    label : str
    within, across : int
        Copies of their keeper's split and of others; of groups, those of one split and of several.
    start, end : str
        Where the first part ends, and the second, in percent of the longest bar.
    """

    label: str
    within: int
    across: int
    start: str
    end: str

    @property
    def total(self) -> int:
        """Both."""
        return self.within + self.across


def verdict(summary: dict[str, Any], *, orientations: bool) -> Verdict:
    """Whether it is safe to train on one split and test on another."""
    splits, leaks = summary["splits"], summary["leaks"]
    inside = _inside(splits)
    unjudged = sum(split["rejected"] for split in splits.values())
    further = [inside] * bool(inside and len(splits) > 1)
    if unjudged:
        further.append(
            f"{count(unjudged, 'file')} could not be hashed: nothing is known about them."
        )
    if len(splits) == 1:
        return _of_one_split(splits, inside, further)
    sure = _worst(leaks, SURE)
    near = _worst(leaks, ("near",))
    blind = 0 if summary["thumbnails"] else sum(leak["kinds"]["collision"] for leak in leaks)
    if sure:
        return Verdict(
            "bad",
            "Not safe to train and test on: images of one split are also in another.",
            [*_worst_in_words(sure, leaks), *further],
        )
    if near:
        number = near["kinds"]["near"]
        return Verdict(
            "doubt",
            "Look at the near copies before you trust a test score.",
            [
                (
                    "No image of one split is surely in another, but "
                    f"{figure_of(number, near['images'], near['needles'])} "
                    f"{_are(number)} near one in {display_name(near['haystack'])}, at most "
                    f"{count(summary['radius'], 'bit')} away{_looked_at(summary['min_score'])}."
                ),
                *further,
            ],
        )
    if blind:
        return Verdict(
            "doubt",
            "Whether images leak can't be told without thumbnails.",
            [
                (
                    f"{count(blind, 'image has', 'images have')} the hash of an image in another "
                    "split. Equal hashes are not proof: audit again without --no-thumbnails."
                ),
                *further,
            ],
        )
    turned = ", rotated or mirrored" if orientations else ""
    looked = f"Looked for: the same bytes, the same picture{turned}"
    if summary["radius"]:
        looked += f", and hashes within {count(summary['radius'], 'bit')}"
        if summary["min_score"]:
            looked += " whose thumbnails are alike"
    return Verdict(
        "good",
        "Safe to train and test on: no image of one split is in another.",
        [f"{looked}.", *further],
    )


def figure_of(part: int, whole: int, of: str) -> str:
    """38 of 98 val images (38.8 %)."""
    return f"{part:,} of {count(whole, f'{display_name(of)} image')} ({share(part, whole)})"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _looked_at(min_score: float | None) -> str:
    if min_score is None:
        return ": perhaps copies, perhaps only alike"
    if not min_score:
        return ", however unlike they look: most may be no copies"
    return f", and their thumbnails are alike by {min_score:g} of 1 at least: most are copies"


def _of_one_split(splits: dict[str, Any], inside: str, further: list[str]) -> Verdict:
    (only,) = splits
    if inside:
        return Verdict("doubt", inside, ["There is one split: nothing can leak.", *further])
    if unseen := splits[only]["copies"].get("collision", 0):
        return Verdict(
            "doubt",
            "Whether images are copies can't be told without thumbnails.",
            [
                f"{count(unseen, 'image has', 'images have')} the hash of another one.",
                "There is one split: nothing can leak.",
                *further,
            ],
        )
    return Verdict(
        "good",
        f"No copies: all {count(splits[only]['distinct'], 'image')} of {display_name(only)} "
        "differ.",
        ["There is one split: nothing can leak.", *further],
    )


def _inside(splits: dict[str, Any]) -> str:
    """How many images are copies of others in their split, or nothing if none is."""
    parts = []
    for split, found in sorted(splits.items(), key=lambda item: -_copies(item[1])):
        hashed = found["images"] - found["rejected"]
        if _copies(found):
            parts.append(figure_of(_copies(found), hashed, split))
    if not parts:
        return ""
    if len(parts) > 3:
        parts[3:] = [f"images of {count(len(parts) - 3, 'further split')}"]
    one = len(parts) == 1 and sum(map(_copies, splits.values())) == 1
    verb = "is a copy of another image" if one else "are copies of other images"
    return f"{listed(parts)} {verb} of the same split."


def _copies(split: dict[str, Any]) -> int:
    return sum(split["copies"].get(kind, 0) for kind in COPY_KINDS)


def _worst(leaks: list[dict[str, Any]], kinds: tuple[str, ...]) -> dict[str, Any] | None:
    """The pair of splits with the largest share of leaks of some kinds, if there is a leak."""

    def leaked(leak: dict[str, Any]) -> float:
        return float(sum(leak["kinds"][kind] for kind in kinds) / leak["images"])

    worst = max(leaks, key=leaked, default=None)
    return worst if worst and leaked(worst) else None


def _worst_in_words(worst: dict[str, Any], leaks: list[dict[str, Any]]) -> list[str]:
    number, near = worst["leaked"], worst["kinds"]["near"]
    first = figure_of(number, worst["images"], worst["needles"])
    first += f" {_are(number)} also in {display_name(worst['haystack'])}"
    sentences = [first + (f", {near:,} of them only as near copies." if near else ".")]
    pairs = {frozenset((leak["needles"], leak["haystack"])) for leak in leaks if leak["leaked"]}
    if len(pairs) > 1:
        every = len(leaks) // 2
        some = f"All {every}" if len(pairs) == every else f"{len(pairs)} of {every}"
        sentences.append(f"{some} pairs of splits have images in common.")
    return sentences


def kinds_inside(summary: dict[str, Any]) -> list[str]:
    """Kinds of the copies inside splits, strongest first."""
    found = [split["copies"] for split in summary["splits"].values()]
    return [kind for kind in KINDS if any(copies.get(kind) for copies in found)]


class Cell(NamedTuple):
    """Leaks of one split in another: a cell of the square."""

    leaked: int
    images: int
    heat: int


def matrix(summary: dict[str, Any]) -> list[tuple[str, list[Cell | None]]]:
    """Leaks of each split (row) in each other (column); none if there are too many splits."""
    names = list(summary["splits"])
    if not 1 < len(names) <= MATRIX_SPLITS:
        return []
    cells = {
        (leak["needles"], leak["haystack"]): Cell(
            leak["leaked"], leak["images"], _heat(leak["share"])
        )
        for leak in summary["leaks"]
    }
    return [(row, [cells.get((row, column)) for column in names]) for row in names]


def _heat(part: float) -> int:
    """Which of six tints a share has."""
    return sum(part > limit for limit in (0, 0.01, 0.05, 0.2, 0.5))


def leak_lines(summary: dict[str, Any]) -> tuple[list[str], int]:
    """The largest leaks in words, and how many more there are."""
    leaks = [leak for leak in summary["leaks"] if leak["leaked"]]
    leaks.sort(key=lambda leak: -leak["share"])
    lines = [
        f"{figure_of(leak['leaked'], leak['images'], leak['needles'])} "
        f"{_are(leak['leaked'])} also in {display_name(leak['haystack'])}: "
        + listed([f"{leak['kinds'][kind]:,} {kind}" for kind in COPY_KINDS if leak["kinds"][kind]])
        for leak in leaks[:_LEAK_LINES]
    ]
    return lines, max(len(leaks) - _LEAK_LINES, 0)


def by_kind(groups: Groups) -> list[Bar]:
    """Copies by kind."""
    counts = [_split(groups.across[groups.kind == code]) for code in range(len(KINDS))]
    there = [code for code in range(len(KINDS)) if sum(counts[code]) or code < KINDS.index("near")]
    return _bars([KINDS[code] for code in there], [counts[code] for code in there])


def by_distance(groups: Groups) -> list[Bar]:
    """Copies by distance from their keeper, to the last that there is."""
    distances = groups.distance[groups.copies]
    furthest = int(distances.max(initial=0))
    return _binned(distances, groups.across[groups.copies], _DISTANCES, 0, furthest)


def by_size(groups: Groups) -> list[Bar]:
    """Groups by how many images are in them."""
    largest = int(groups.sizes.max(initial=2))
    return _binned(groups.sizes, groups.leaking, _SIZES, 2, largest)


def _binned(
    values: NDArray[Any],
    across: NDArray[np.bool_],
    lasts: tuple[int, ...],
    first: int,
    furthest: int,
) -> list[Bar]:
    labels, counts = [], []
    for last in lasts:
        if first > furthest:
            break
        labels.append(f"{first:,}" if first == last else f"{first:,} to {min(last, furthest):,}")
        counts.append(_split(across[(values >= first) & (values <= last)]))
        first = last + 1
    return _bars(labels, counts)


def _split(across: NDArray[np.bool_]) -> tuple[int, int]:
    other = int(across.sum())
    return across.size - other, other


def _bars(labels: list[str], counts: list[tuple[int, int]]) -> list[Bar]:
    longest = max([sum(both) for both in counts] + [1])
    return [
        Bar(label, a, b, f"{100 * a / longest:.2f}", f"{100 * (a + b) / longest:.2f}")
        for label, (a, b) in zip(labels, counts, strict=True)
    ]


def collisions(summary: dict[str, Any]) -> list[tuple[str, int]]:
    """Images whose hash, but nothing else, is that of another: where, and how many."""
    # where nobody could look, they are in the groups
    alone = {
        split: found["collisions"] + found["copies"].get("collision", 0)
        for split, found in summary["splits"].items()
    }
    inside = [(f"in {display_name(split)}", number) for split, number in alone.items() if number]
    between = [
        (
            f"in {display_name(leak['needles'])}, with {display_name(leak['haystack'])}",
            leak["kinds"]["collision"],
        )
        for leak in summary["leaks"]
        if leak["kinds"]["collision"]
    ]
    return inside + between


def rejects(summary: dict[str, Any], most: int) -> list[tuple[str, int]]:
    """Why inputs gave no hash, the most frequent reasons first, the rest in one."""
    reasons = list(summary["rejected"].items())
    rest = sum(number for _, number in reasons[most:])
    return reasons[:most] + [("other reasons", rest)] * bool(rest)
