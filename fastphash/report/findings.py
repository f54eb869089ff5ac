"""What an audit found, in words and figures, beside its verdict: the upper half of a page."""

from typing import Any, NamedTuple

from fastphash.base.text import display_name
from fastphash.base.vocabulary import COUNTED
from fastphash.results.priority import keep_in_first

#: More splits than this don't fit into a square table.
MATRIX_SPLITS = 16


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
    return keep_in_first(summary["split_order"], summary["keep_in"])


def rejects(summary: dict[str, Any], most: int) -> list[tuple[str, int]]:
    """Why inputs gave no hash: the most frequent reasons, then all others as one."""
    reasons = list(summary["rejected"].items())
    others = sum(number for _, number in reasons[most:])
    return reasons[:most] + [("other reasons", others)] * bool(others)
