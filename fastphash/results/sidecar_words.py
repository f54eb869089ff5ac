"""What a summary says of files that belong to images, in words."""

from typing import Any


def sidecars_in_words(summary: dict[str, Any]) -> list[str]:
    """Where the labels of each split lie, and how many images have some, a line each.

    >>> sidecars_in_words({"sidecars": {"val": {"images": 1203, "places": {"labels": 1203}}}})
    ['val: 1,203 of 1,203 images have labels in labels/']
    """
    # audits of earlier versions don't say
    found = summary.get("sidecars", {})
    return [
        f"{split}: {number:,} of {of_split['images']:,} images have {_where(place)}"
        for split, of_split in found.items()
        for place, number in of_split["places"].items()
    ]


def _where(place: str) -> str:
    return f"labels in {place}/" if place else "labels, or other files of their names, beside them"
