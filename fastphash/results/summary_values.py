"""Which values summary.json can have: whoever reads it stands on them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastphash.base.vocabulary import COUNTED, FURTHEST, KINDS, UNLOOKED, VIEW_SETS
from fastphash.hashing.algorithms import ALGORITHMS, PHASH
from fastphash.results.radius_words import RULES


@dataclass(frozen=True, slots=True)
class Each:
    """A list, or an object with any names (of these, if there are some): what each value can be."""

    kind: type[list[Any]] | type[dict[str, Any]]
    allowed: Any
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Maybe:
    """Null, or what is allowed."""

    allowed: Any


def find_wrong(value: Any, allowed: Any, place: str = "") -> str:
    """The place of the first value that isn't allowed, with what is there; empty if all are.

    Parameters
    ----------
    value : Any
        As of JSON.
    allowed : callable, mapping, Each or Maybe
        A test, or the keys of an object and what each can be. A key that ends with ``?`` may be
        missing, as it is in summaries of earlier versions.
    place : str
        Where the value stands.

    Examples
    --------
    >>> find_wrong({"a": [1, "x"]}, {"a": Each(list, is_count)})
    "'a.1' is 'x'"
    """
    if isinstance(allowed, Maybe):
        return "" if value is None else find_wrong(value, allowed.allowed, place)
    if isinstance(allowed, Each):
        return _find_wrong_item(value, allowed, place)
    if isinstance(allowed, Mapping):
        return _find_wrong_key(value, allowed, place)
    return "" if allowed(value) else _said(place, value)


def _find_wrong_item(value: Any, allowed: Each, place: str) -> str:
    if not isinstance(value, allowed.kind):
        return _said(place, value)
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        if allowed.names and name not in allowed.names:
            return f"{_inside(place, name)!r:.200} is there"
        if wrong := find_wrong(item, allowed.allowed, _inside(place, name)):
            return wrong
    return ""


def _find_wrong_key(value: Any, allowed: Mapping[str, Any], place: str) -> str:
    if not isinstance(value, dict):
        return _said(place, value)
    for key, inner in allowed.items():
        name = key.removesuffix("?")
        if name in value:
            if wrong := find_wrong(value[name], inner, _inside(place, name)):
                return wrong
        elif name == key:
            return f"{_inside(place, name)!r} is missing"
    return ""


def _inside(place: str, name: str | int) -> str:
    return f"{place}.{name}" if place else str(name)


def _said(place: str, value: Any) -> str:
    return f"{place!r:.200} is {value!r:.80}"


def is_count(value: Any) -> bool:
    """Whether a value is a number of things."""
    return type(value) is int and 0 <= value < 1 << 63


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_score(value: Any) -> bool:
    return _is_number(value) and -1 <= value <= 1


def _is_radius(value: Any) -> bool:
    return is_count(value) and value <= FURTHEST


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


_TEXTS = Each(list, _is_text)
_TEXT_BY_NAME = Each(dict, _is_text)
_COUNT_BY_NAME = Each(dict, is_count)
_LEAKED = {"leaked": is_count, "share": _is_share, "kinds": Each(dict, is_count, COUNTED)}
_SPLIT = {
    "root": _is_text,
    "listed": _is_flag,
    "split_folders": _TEXT_BY_NAME,
    "images": is_count,
    "distinct": is_count,
    "copies": Each(dict, is_count, COUNTED),
    "copies_by_distance": _COUNT_BY_NAME,
    "same_pixels": is_count,
    "collisions": is_count,
    "leaks": _LEAKED,
    "rejected": is_count,
    "skipped": is_count,
    "hidden?": is_count,
    "excluded?": is_count,
    "masks?": is_count,
    "unfinished?": is_count,
}
_LEAK = {
    "needles": _is_text,
    "haystack": _is_text,
    "images": is_count,
    **_LEAKED,
    "by_distance": _COUNT_BY_NAME,
    "same_pixels": is_count,
}
_ESTIMATE = {"share": _is_share, "low": _is_share, "high": _is_share}
_FROM_SCORE = {"min_score": _is_score, **_ESTIMATE}
_CALIBRATION = {
    **_ESTIMATE,
    "precision_wanted": _is_share,
    "raised_from": Maybe(_FROM_SCORE),
    "recommended": Maybe(_FROM_SCORE),
}
_OF_PROPOSALS = frozenset(("proposed", "proposed_looked", "proposed_rescued"))
_DOUBTS = {
    **dict.fromkeys(("pairs", "looked", "vetoed", "rescued", "unreadable"), is_count),
    **{f"{name}?": is_count for name in _OF_PROPOSALS},
    "more": _is_flag,
    "unsearched?": _is_flag,
    "unaligned": _is_text,
}
_LOOKS = {
    **dict.fromkeys(("limit", "pairs", "looked", "unreadable"), is_count),
    "altered?": is_count,
    "recoloured?": is_count,
    "doubts?": Maybe(_DOUBTS),
}
_MASKS = {
    **dict.fromkeys(("split", "folder"), _is_text),
    **dict.fromkeys(("marked", "left_out"), _is_flag),
    "images": is_count,
    "not_compared?": is_count,
}
_COCO_COUNTS = ("unknown", "ambiguous", "unlisted", "inexact", "other_ids", "rejected")
_REJECTED_LABELS = {"rejected": _COUNT_BY_NAME, "first_rejected": _TEXTS}
_LABELS = {
    "folder?": {"conflicts": is_count, "depths": _COUNT_BY_NAME, "classes?": is_count},
    "coco?": {
        "conflicts": is_count,
        "not_compared?": is_count,
        "files": _TEXT_BY_NAME,
        **{f"{name}?": _COUNT_BY_NAME for name in _COCO_COUNTS},
        "first_rejected?": _TEXTS,
        "first_unmatched?": _TEXT_BY_NAME,
    },
    "tables?": {
        **dict.fromkeys(("conflicts", "not_compared"), is_count),
        "files": _TEXT_BY_NAME,
        **dict.fromkeys(("unknown", "ambiguous", "unlisted", "inexact"), _COUNT_BY_NAME),
        **_REJECTED_LABELS,
        "first_unmatched": _TEXT_BY_NAME,
    },
    "sidecars?": {
        **dict.fromkeys(("conflicts", "not_compared"), is_count),
        "formats": Each(dict, _one_of("yolo", "voc", "labelme", "cls")),
        "names": _TEXT_BY_NAME,
        "labelled": _COUNT_BY_NAME,
        **_REJECTED_LABELS,
    },
}
_RADIUS_RULE = {
    "by": _one_of(*RULES),
    "meaning": _is_text,
    "candidates": _is_amount,
    "limit": _is_radius,
    "narrowed": _is_flag,
    "largest": _is_radius,
    "at_largest": _is_amount,
}
_SUMMARY = {
    "fastphash": _is_text,
    "hash?": _one_of(*ALGORITHMS),
    "bits?": is_count,
    "definition": _is_text,
    "thumbnails": _is_flag,
    "orientations": _is_flag,
    "store": _is_text,
    "keep_in": _TEXTS,
    "split_order": _TEXTS,
    "radius": _is_radius,
    "radius_rule?": _RADIUS_RULE,
    "min_score": Maybe(_is_score),
    "chance": _is_amount,
    "views?": _one_of(*VIEW_SETS),
    "looks?": Maybe(_LOOKS),
    "proposals?": Maybe(
        dict.fromkeys(("given", "unknown", "unusable", "pairs"), is_count),
    ),
    "proposing?": Each(
        dict,
        {"radius": _is_radius, "pairs": is_count, "copies": is_count, "more": _is_flag},
        tuple(ALGORITHMS),
    ),
    "calibration?": Maybe(_CALIBRATION),
    "grouping": _one_of("star", "components"),
    "decisions": {"used": is_count, "stale": is_count, "digest": _is_text},
    "splits": Each(dict, _SPLIT),
    "leaks": Each(list, _LEAK),
    "staying": Each(dict, is_count, (*KINDS, UNLOOKED)),
    "groups": {"groups": is_count, "images": is_count},
    "rejected": _COUNT_BY_NAME,
    "masks": Each(list, _MASKS),
    "low_quality?": Maybe({"min_quality": is_count, "images": _COUNT_BY_NAME}),
    "labels": _LABELS,
    "sidecars?": Each(dict, {"images": is_count, "places": _COUNT_BY_NAME}),
    "mask_folders?": Each(dict, {"images": is_count, "pairs": _COUNT_BY_NAME}),
    "files?": _TEXT_BY_NAME,
    "findings?": _is_text,
    "tables?": _TEXT_BY_NAME,
    "digest?": _is_text,
}


def wrong_value(summary: dict[str, Any]) -> str:
    """What is wrong with the contents of summary.json; empty if nothing is."""
    return find_wrong(summary, _SUMMARY) or _wrong_splits(summary) or _wrong_looks(summary)


def _wrong_splits(summary: dict[str, Any]) -> str:
    """What contradicts the splits."""
    splits = summary["splits"]
    if not splits or not {*summary["split_order"]} <= splits.keys() >= {*summary["keep_in"]}:
        return f"'split_order' is {summary['split_order']!r:.80}"
    for name, split in splits.items():
        if split["rejected"] >= split["images"]:
            return f"{f'splits.{name}.images'!r:.200} is {split['images']!r}"
    for number, leak in enumerate(summary["leaks"]):
        if not {leak["needles"], leak["haystack"]} <= splits.keys() or not leak["images"]:
            return f"'leaks.{number}' is of no two splits with images"
    return ""


def _wrong_looks(summary: dict[str, Any]) -> str:
    """What contradicts scores and looks."""
    if summary["min_score"] is None and (summary.get("calibration") or {}).get("raised_from"):
        return "'min_score' is None"
    doubts = (summary.get("looks") or {}).get("doubts")
    if summary.get("proposals") and doubts and not doubts.keys() >= _OF_PROPOSALS:
        return f"'looks.doubts' is {doubts!r:.80}"
    return ""


def with_all_kinds(summary: dict[str, Any]) -> dict[str, Any]:
    """The same, with 0 for kinds that an earlier version didn't know, and the hash it knew."""
    none = dict.fromkeys(COUNTED, 0)

    def filled(counts: dict[str, Any]) -> dict[str, Any]:
        return {**counts, "kinds": none | counts["kinds"]}

    splits = {
        name: {**split, "leaks": filled(split["leaks"])}
        for name, split in summary["splits"].items()
    }
    hashed = {"hash": PHASH.name, "bits": PHASH.bits}
    return {**hashed, **summary, "splits": splits, "leaks": [*map(filled, summary["leaks"])]}
