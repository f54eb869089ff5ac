"""Boxes and polygons of annotations: read, and turned into another frame."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import STEPS
from fastphash.files.json_arrays import Unreadable
from fastphash.labels.category_names import CategoryNames
from fastphash.labels.ids import is_id
from fastphash.labels.run_lengths import run_length_problem

# larger coordinates are invalid
_MAX_COORDINATE = 1e9


#: Category of an annotation that can't be read.
UNREADABLE = "unreadable annotation"
# characters of a value in a message
_SHOWN = 80


class Shape(NamedTuple):
    """One annotation: a category and, mostly, a place.

    Attributes
    ----------
    category : str
    box : float64 (2, 2)
        Two opposite corners (x, y) in pixels; NaN if the annotation has no place.
    rings : list of float64 (n, 2)
        Outlines of polygons (x, y); empty for boxes, crowds and run-length masks.
    """

    category: str
    box: NDArray[np.float64]
    rings: list[NDArray[np.float64]]


class ReadShapes(NamedTuple):
    """The shapes of an annotation, and what is wrong with them, a line each."""

    shapes: list[Shape]
    problems: list[str]


def orient_shapes(
    shapes: list[Shape],
    orientation: int,
    size: tuple[int, int],
    keeper_size: tuple[int, int],
) -> list[Shape]:
    """Shapes of a copy in the frame of its keeper.

    Parameters
    ----------
    shapes : list of Shape
    orientation : int
        Index in ORIENTATIONS of the turn from the copy to its keeper.
    size, keeper_size : (int, int)
        Width and height of the copy and the keeper, pixels.
    """
    # all points at once: a quarter of the time that shape by shape takes
    pieces = [piece for shape in shapes for piece in (shape.box, *shape.rings)]
    if not pieces:
        return []
    transposed, rows, columns = STEPS[orientation]
    unit = np.concatenate(pieces) / size
    x, y = (unit[:, 1], unit[:, 0]) if transposed else (unit[:, 0], unit[:, 1])
    unit = np.stack([1 - x if columns else x, 1 - y if rows else y], axis=1)
    points = _split_points(unit * keeper_size, [len(piece) for piece in pieces])
    return [
        Shape(shape.category, next(points), [next(points) for _ in shape.rings]) for shape in shapes
    ]


def shapes_of(annotation: Any, categories: CategoryNames) -> ReadShapes:
    """The shapes of a COCO annotation: one, or the segments of a panoptic one.

    A shape whose category or place can't be read is of the category `UNREADABLE`. If a polygon
    can't be read, but the box can, or the other way round, what can be read is the place.
    """
    segments = annotation.get("segments_info") if isinstance(annotation, dict) else None
    shapes, problems = [], []
    for item in segments if isinstance(segments, list) else [annotation]:
        shape, problem = _shape_of(item, categories)
        shapes.append(shape)
        problems += problem
    return ReadShapes(shapes, problems)


def is_ordinary(annotation: dict[str, Any]) -> bool:
    """Whether an annotation is surely without a problem: a quick look, for most of a file.

    True for a whole category, a box of four numbers and no negative size, and polygons of pairs;
    `shapes_of` decides about all others, which takes six times as long.
    """
    box, polygons = annotation.get("bbox"), annotation.get("segmentation", [])
    return (
        type(annotation.get("category_id")) is int
        and "segments_info" not in annotation
        and isinstance(box, list)
        and len(box) == 4
        and _are_coordinates(box)
        and min(box[2:]) >= 0
        and isinstance(polygons, list)
        and all(isinstance(ring, list) and _are_coordinates(ring) for ring in polygons)
    )


def _are_coordinates(values: list[Any]) -> bool:
    """Whether a list holds pairs of numbers, all small enough."""
    return (
        len(values) % 2 == 0
        and set(map(type, values)) <= {int, float}
        and max(values, default=0) < _MAX_COORDINATE
        and min(values, default=0) > -_MAX_COORDINATE
        # a NaN may pass comparisons, but not a sum
        and not math.isnan(sum(values))
    )


def _shape_of(item: Any, categories: CategoryNames) -> tuple[Shape, list[str]]:
    """The shape of an annotation or a segment, and what is wrong with it."""
    nowhere = np.full((2, 2), np.nan)
    unreadable = Shape(UNREADABLE, nowhere, [])
    if not isinstance(item, dict):
        why = item.why if isinstance(item, Unreadable) else f"is no object: {shown(item)}"
        return unreadable, [why]
    key = item.get("category_id", "unnamed")
    if not is_id(key):
        return unreadable, [f"no category_id: {shown(key)}"]
    rings, problems = _rings_of(item)
    box = nowhere
    if "bbox" in item:
        corners = points_of(item["bbox"], 4)
        if corners is None:
            problems.append(f"no bbox: {shown(item['bbox'])}")
        else:
            box = np.stack([corners[0], corners.sum(axis=0)])
            if (corners[1] < 0).any():
                problems.append(f"bbox of negative size: {shown(item['bbox'])}")
    if np.isnan(box).any() and rings:
        points = np.concatenate(rings)
        box = np.stack([points.min(axis=0), points.max(axis=0)])
    if np.isnan(box).any() and problems:
        return unreadable, problems
    return Shape(categories.of(key), box, rings), problems


def _rings_of(item: dict[str, Any]) -> tuple[list[NDArray[np.float64]], list[str]]:
    """The polygons of a shape, none if one can't be read, and what is wrong with them."""
    segmentation = item.get("segmentation")
    if segmentation is not None and not isinstance(segmentation, (list, dict)):
        return [], [f"no segmentation: {shown(segmentation)}"]
    if isinstance(segmentation, dict):
        problem = run_length_problem(segmentation)
        return [], [f"no segmentation, {problem}: {shown(segmentation)}"] if problem else []
    if segmentation is None or item.get("iscrowd"):
        return [], []
    rings = []
    for outline in segmentation:
        ring = points_of(outline)
        if ring is None:
            return [], [f"no polygon: {shown(outline)}"]
        if len(ring) > 2:  # two points enclose nothing
            rings.append(ring)
    return rings, []


def points_of(values: Any, size: int | None = None) -> NDArray[np.float64] | None:
    """A list of coordinates as float64 (n, 2); None if it is none, or has not `size` of them."""
    if not isinstance(values, list) or (size is not None and len(values) != size):
        return None
    try:
        points = np.asarray(values)
    except (ValueError, OverflowError):  # lists of several lengths
        return None
    if points.dtype.kind not in "iuf" or points.size % 2:
        return None
    if points.ndim != 1 and (size is not None or points.shape[1:] != (2,)):
        return None
    points = points.astype(np.float64).reshape(-1, 2)
    return points if (np.abs(points) < _MAX_COORDINATE).all() else None


def shown(value: Any) -> str:
    """A value from a file, short enough for a line."""
    return ascii(value)[:_SHOWN]


def _split_points(points: NDArray[np.float64], lengths: list[int]) -> Iterator[NDArray[np.float64]]:
    start = 0
    for length in lengths:
        yield points[start : start + length]
        start += length
