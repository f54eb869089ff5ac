"""Leaks and copies in words: the lines that terminal, report and verdict have in common."""

from typing import Any

from fastphash.base.text import count, display_name, share
from fastphash.base.vocabulary import COUNTED_COPIES

_MOST_LINES = 12


def leak_lines(leaks: list[dict[str, Any]]) -> tuple[list[str], int]:
    """The largest leaks of summary.json, a line each, and how many more there are."""
    leaking = sorted(
        (leak for leak in leaks if leak["leaked"]), key=lambda leak: leak["share"], reverse=True
    )
    lines = [_leak_line(leak) for leak in leaking[:_MOST_LINES]]
    return lines, len(leaking) - len(lines)


def leak_in_words(leaked: int, images: int, split: str, elsewhere: str) -> str:
    """How many images of a split are also elsewhere, which is named as it will be shown.

    >>> leak_in_words(38, 98, "val", "train")
    '38 of 98 val images (38.8 %) are also in train'
    """
    return f"{share_in_words(leaked, images, split)} {is_or_are(leaked)} also in {elsewhere}"


def same_pixels_inside(splits: dict[str, Any]) -> list[str]:
    """Splits with copies that have the same pixels in other bytes, and how many."""
    numbers = {name: split["same_pixels"] for name, split in splits.items()}
    return [f"{number:,} in {display_name(name)}" for name, number in numbers.items() if number]


def share_in_words(part: int, images: int, split: str) -> str:
    """Some images of a split, as 38 of 98 val images (38.8 %)."""
    whole = count(images, f"{display_name(split)} image")
    return f"{part:,} of {whole} ({share(part, images)})"


def is_or_are(number: int) -> str:
    """The verb for a number of things."""
    return "is" if number == 1 else "are"


def elsewhere(name: str, splits: dict[str, Any]) -> str:
    """The other split, or words for several."""
    others = [other for other in splits if other != name]
    return display_name(others[0]) if len(others) == 1 else "another split"


def hashed_images(split: dict[str, Any]) -> int:
    """How many images of a split were hashed, of its part of summary.json."""
    return int(split["images"] - split["rejected"])


def _leak_line(leak: dict[str, Any]) -> str:
    haystack = display_name(leak["haystack"])
    line = leak_in_words(leak["leaked"], leak["images"], leak["needles"], haystack)
    kinds = [f"{leak['kinds'][kind]:,} {kind}" for kind in COUNTED_COPIES if leak["kinds"][kind]]
    number = leak["same_pixels"]
    same_pixels = f"; {number:,} of them with the same pixels in other bytes" if number else ""
    return f"{line}: {', '.join(kinds)}{same_pixels}"
