"""What a summary says of files that belong to images, in words."""

from collections.abc import Callable
from typing import Any, NamedTuple

#: Keys of a summary's labels that stand for annotations.
ANNOTATED = ("coco", "tables", "sidecars")
_FORMS = {"yolo": "YOLO", "voc": "Pascal VOC", "labelme": "LabelMe", "cls": "classes"}


def sidecars_in_words(summary: dict[str, Any]) -> list[str]:
    """Where the labels of each split lie, and how many images have some, a line each.

    >>> sidecars_in_words({"sidecars": {"val": {"images": 1203, "places": {"labels": 1203}}}})
    ['val: 1,203 of 1,203 images have labels in labels/']
    """
    return _counts_in_words(summary, "sidecars", "places", _where)


def mask_folders_in_words(summary: dict[str, Any]) -> list[str]:
    """Where the masks of each split lie, and how many images have some, a line each.

    >>> mask_folders_in_words({"mask_folders": {"val": {"images": 5, "pairs": {"images=gt": 4}}}})
    ['val: 4 of 5 images have masks in gt/']
    """
    return _counts_in_words(summary, "mask_folders", "pairs", _where_masks)


def forms_in_words(labels: dict[str, Any]) -> list[str]:
    """The format of the label files of each split, and how many there are, a line each.

    >>> beside = {"formats": {"val": "yolo"}, "labelled": {"val": 3}, "names": {"val": ""}}
    >>> forms_in_words({"sidecars": beside})
    ['val: YOLO, 3 files, without names of classes (no data.yaml)']
    """
    beside = labels.get("sidecars", {"formats": {}})
    lines = []
    for split, form in beside["formats"].items():
        nameless = form == "yolo" and not beside["names"][split]
        without = ", without names of classes (no data.yaml)" if nameless else ""
        lines.append(f"{split}: {_FORMS[form]}, {beside['labelled'][split]:,} files{without}")
    return lines


class Unusable(NamedTuple):
    """How many entries of labels can't be used as they are, and the first of them, a line each."""

    entries: int
    first: list[str]


def unusable_labels(labels: dict[str, Any]) -> Unusable:
    """The entries of labels that can't be used as they are."""
    figures = [labels[sort] for sort in ANNOTATED if labels.get(sort, {}).get("first_rejected")]
    number = sum(sum(of_sort["rejected"].values()) for of_sort in figures)
    return Unusable(number, [line for one in figures for line in one["first_rejected"]])


def _counts_in_words(
    summary: dict[str, Any], key: str, places: str, where: Callable[[str], str]
) -> list[str]:
    # audits of earlier versions don't say
    found = summary.get(key, {})
    return [
        f"{split}: {number:,} of {of_split['images']:,} images have {where(place)}"
        for split, of_split in found.items()
        for place, number in of_split[places].items()
    ]


def _where(place: str) -> str:
    return f"labels in {place}/" if place else "labels, or other files of their names, beside them"


def _where_masks(pair: str) -> str:
    return f"masks in {pair.partition('=')[2]}/"
