"""Sentences on images that an audit did not compare."""

from typing import Any

from fastphash.base.text import count, listed

# folders of masks that a sentence names
_MASK_FOLDERS = 4


def not_compared_in_words(summary: dict[str, Any]) -> list[str]:
    """How many images were not compared, and why, a sentence each without its full stop."""
    return [*filter(None, (_masks_in_words(summary), _low_quality_in_words(summary)))]


def _masks_in_words(summary: dict[str, Any]) -> str:
    """How many masks of which folders were not compared; empty if all were.

    "12 masks in train/masks and 4 masks in val/masks were not compared"
    """
    left_out = [
        (
            one.get("not_compared", one["images"]),
            "/".join(filter(None, (one["split"], one["folder"]))),
        )
        for one in summary.get("masks", [])
        if one["left_out"]
    ]
    parts = [f"{count(number, 'mask')} in {folder}" for number, folder in left_out if number]
    if not parts:
        return ""
    if more := parts[_MASK_FOLDERS:]:
        parts[_MASK_FOLDERS:] = [f"those of {count(len(more), 'further folder')}"]
    single = sum(number for number, _ in left_out) == 1
    return f"{listed(parts)} {'was' if single else 'were'} not compared"


def _low_quality_in_words(summary: dict[str, Any]) -> str:
    """How many images were not compared for the quality of their hashes; empty if all were.

    "12 images with a pdq quality below 50 were not compared"
    """
    left_out = summary.get("low_quality") or {"images": {}}
    number = sum(left_out["images"].values())
    if not number:
        return ""
    images = f"{count(number, 'image')} with a {summary['hash']} quality"
    return (
        f"{images} below {left_out['min_quality']} {'was' if number == 1 else 'were'} not compared"
    )
