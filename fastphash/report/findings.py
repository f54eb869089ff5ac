"""What an audit found, in words and figures, beside its verdict: the upper half of a page."""

from typing import Any, NamedTuple

from fastphash.base.text import count, display_name, listed, share
from fastphash.base.vocabulary import COUNTED, COUNTED_COPIES
from fastphash.results.priority import order_splits

#: More splits than this don't fit into a square table.
MATRIX_SPLITS = 16

_LEAK_LINES = 12


def _leak_in_words(leak: dict[str, Any]) -> str:
    images = count(leak["images"], f"{display_name(leak['needles'])} image")
    leaked = leak["leaked"]
    return (
        f"{leaked:,} of {images} ({share(leaked, leak['images'])}) "
        f"{'is' if leaked == 1 else 'are'} also in {display_name(leak['haystack'])}"
    )


class Cell(NamedTuple):
    """Leaks of one split in another: a cell of the square table."""

    leaked: int
    images: int
    heat: int


def matrix(summary: dict[str, Any]) -> list[tuple[str, list[Cell | None]]]:
    """Leaks of each split (row) in each other (column); empty for one split, or too many."""
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


def _heat(leaked: float) -> int:
    """Which of six tints a share of images has."""
    return sum(leaked > limit for limit in (0, 0.01, 0.05, 0.2, 0.5))


def leak_lines(summary: dict[str, Any]) -> tuple[list[str], int]:
    """The largest leaks in words, and how many more there are."""
    leaks = [leak for leak in summary["leaks"] if leak["leaked"]]
    leaks.sort(key=lambda leak: -leak["share"])
    lines = [
        f"{_leak_in_words(leak)}: "
        + listed(
            [f"{leak['kinds'][kind]:,} {kind}" for kind in COUNTED_COPIES if leak["kinds"][kind]]
        )
        + _same_pixels(leak)
        for leak in leaks[:_LEAK_LINES]
    ]
    return lines, max(len(leaks) - _LEAK_LINES, 0)


def _same_pixels(leak: dict[str, Any]) -> str:
    # earlier versions didn't count them
    number = leak.get("same_pixels", 0)
    return f" ({number:,} with the same pixels in other bytes)" if number else ""


def same_pixels_inside(summary: dict[str, Any], most: int) -> str:
    """A sentence on copies inside splits with the same pixels in other bytes; empty without any.

    It names `most` splits at most.
    """
    splits = summary["splits"].items()
    numbers = {name: split.get("same_pixels", 0) for name, split in splits}
    named = [(name, number) for name, number in numbers.items() if number][:most]
    if not named:
        return ""
    verb = "has" if sum(number for _, number in named) == 1 else "have"
    where = listed([f"{number:,} in {display_name(name)}" for name, number in named])
    return f"Of the copies, {where} {verb} the same pixels in other bytes."


def kinds_inside(summary: dict[str, Any]) -> list[str]:
    """Kinds of the copies inside splits, strongest first."""
    counts = [split["copies"] for split in summary["splits"].values()]
    return [kind for kind in COUNTED if any(copies.get(kind) for copies in counts)]


def collisions(summary: dict[str, Any]) -> list[tuple[str, int]]:
    """Images that share the hash of another but aren't known to be copies: where, and how many."""
    # without thumbnails they are in groups and count as copies of this kind
    numbers = {
        name: split["collisions"] + split["copies"].get("unverified", 0)
        for name, split in summary["splits"].items()
    }
    inside = [(f"in {display_name(name)}", number) for name, number in numbers.items() if number]
    between = [
        (
            f"in {display_name(leak['needles'])}, with {display_name(leak['haystack'])}",
            number,
        )
        for leak in summary["leaks"]
        if (number := leak["kinds"]["collision"] + leak["kinds"]["unverified"])
    ]
    return inside + between


def split_order(summary: dict[str, Any]) -> list[str]:
    """Splits in the order in which they keep their images."""
    counts = {
        name: split["images"] - split["rejected"] for name, split in summary["splits"].items()
    }
    labelled = summary["labels"].get("coco", {}).get("files", {})
    return order_splits(counts, summary["keep_in"], labelled)


def rejects(summary: dict[str, Any], most: int) -> list[tuple[str, int]]:
    """Why inputs gave no hash: the most frequent reasons, then all others as one."""
    reasons = list(summary["rejected"].items())
    others = sum(number for _, number in reasons[most:])
    return reasons[:most] + [("other reasons", others)] * bool(others)
