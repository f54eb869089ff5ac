"""Boxes and polygons of annotations: read, turned into another frame, compared."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fastphash.base.orientations import STEPS
from fastphash.files.json_arrays import Unreadable
from fastphash.labels.category_names import CategoryNames
from fastphash.labels.ids import is_id
from fastphash.labels.run_lengths import run_length_problem

#: Least intersection over union of two annotations that count as the same.
MIN_IOU = 0.5
# larger coordinates are invalid
_MAX_COORDINATE = 1e9
# square pixels: intersections of smaller polygons may vanish
_MIN_AREA = 1e-6


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


def least_iou(copy: list[Shape], keeper: list[Shape]) -> float:
    """The least intersection over union of matched shapes; 0 if a category has more on one side."""
    if Counter(shape.category for shape in copy) != Counter(shape.category for shape in keeper):
        return 0.0
    # annotations of copies mostly are copies: saves intersections, 2 ms per pair of images
    if _rounded(copy) == _rounded(keeper):
        return 1.0
    least = 1.0
    for category in {shape.category for shape in copy}:
        ious = iou_matrix(
            [shape for shape in copy if shape.category == category],
            [shape for shape in keeper if shape.category == category],
        )
        # most pairs from MIN_IOU on come first, their sum second
        weights = (ious >= MIN_IOU) * len(ious) + ious
        least = min(least, float(ious[linear_sum_assignment(weights, maximize=True)].min()))
    return least


def iou_matrix(left: list[Shape], right: list[Shape]) -> NDArray[np.float64]:
    """Intersection over union of shapes, float64 (n, m).

    Of polygons if both have some, else of boxes, which count as at least one pixel wide and high.
    It is 1 for two shapes without a place.
    """
    ious = _box_ious(_boxes(left), _boxes(right))
    a, b = _polygons(left), _polygons(right)
    ious[np.ix_(~shapely.is_missing(a), ~shapely.is_missing(b))] = 0
    # pairs whose bounding boxes meet; None meets nothing
    column, row = shapely.STRtree(a).query(b)
    if row.size:
        common = shapely.area(shapely.intersection(a[row], b[column]))
        ious[row, column] = common / (shapely.area(a[row]) + shapely.area(b[column]) - common)
    return ious


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


def _rounded(shapes: list[Shape]) -> Counter[tuple[str | bytes, ...]]:
    """How often each category and place occurs, places rounded to a hundredth of a pixel."""
    counts: Counter[tuple[str | bytes, ...]] = Counter()
    for shape in shapes:
        points = shape.rings or [np.sort(shape.box, axis=0)]
        # 0 is added because -0 has other bytes
        counts[shape.category, *((ring.round(2) + 0.0).tobytes() for ring in points)] += 1
    return counts


def _boxes(shapes: list[Shape]) -> NDArray[np.float64]:
    """Left, top, right and bottom, float64 (n, 4); at least one pixel wide and high."""
    corners = np.stack([shape.box for shape in shapes])
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, np.maximum(high, low + 1)], axis=1)


def _box_ious(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.maximum(high - low, 0).prod(axis=2)
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b))
    ious = common / (area_a[:, None] + area_b[None, :] - common)
    nowhere_a, nowhere_b = np.isnan(area_a)[:, None], np.isnan(area_b)[None, :]
    ious = np.where(nowhere_a | nowhere_b, 0.0, ious)
    return np.where(nowhere_a & nowhere_b, 1.0, ious)


def _polygons(shapes: list[Shape]) -> NDArray[Any]:
    """Valid geometries of the shapes' rings, object (n,); None without rings or area."""
    geometries = np.full(len(shapes), None, object)
    rings = [ring for shape in shapes for ring in shape.rings]
    if not rings:
        return geometries
    owner = np.repeat(np.arange(len(shapes)), [len(shape.rings) for shape in shapes])
    of_point = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    parts = shapely.polygons(shapely.linearrings(np.concatenate(rings), indices=of_point))
    # rings that cross themselves become several that don't
    invalid = ~shapely.is_valid(parts)
    parts[invalid] = shapely.make_valid(parts[invalid], method="structure", keep_collapsed=False)
    for i in np.unique(owner).tolist():
        of_shape = parts[owner == i]
        geometries[i] = of_shape[0] if of_shape.size == 1 else shapely.union_all(of_shape)
    geometries[shapely.area(geometries) < _MIN_AREA] = None
    return geometries
