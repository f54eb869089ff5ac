"""Boxes and polygons of annotations: read, turned into another frame, compared."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fastphash.base.orientations import STEPS

#: Least intersection over union of two annotations that count as the same.
MIN_IOU = 0.5
# larger coordinates are invalid
_MAX_COORDINATE = 1e9
# square pixels: intersections of smaller polygons may vanish
_MIN_AREA = 1e-6


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


def shapes_of(annotation: dict[str, Any], categories: Mapping[Any, str]) -> list[Shape]:
    """The shapes of a COCO annotation: one, or the segments of a panoptic one.

    Raises
    ------
    TypeError, ValueError
        A category, box or polygon is invalid.
    """
    segments = annotation.get("segments_info")
    shapes = []
    for item in segments if isinstance(segments, list) else [annotation]:
        if not isinstance(item, dict):
            raise TypeError(f"no segment: {str(item)[:80]}")
        key = item.get("category_id", "unnamed")
        if not isinstance(key, (int, float, str)):
            raise TypeError(f"no category_id: {str(key)[:80]}")
        category = categories.get(key, str(key))
        rings = []
        if isinstance(item.get("segmentation"), list) and not item.get("iscrowd"):
            rings = [_points(ring, "polygon") for ring in item["segmentation"]]
        # two points enclose nothing
        rings = [ring for ring in rings if len(ring) > 2]
        box = np.full((2, 2), np.nan)
        if item.get("bbox"):
            corner, extent = _points(item["bbox"], "bbox", 2)
            box = np.stack([corner, corner + extent])
        elif rings:
            points = np.concatenate(rings)
            box = np.stack([points.min(axis=0), points.max(axis=0)])
        shapes.append(Shape(category, box, rings))
    return shapes


def _points(values: Any, what: str, count: int | None = None) -> NDArray[np.float64]:
    """A list of coordinates as float64 (n, 2)."""
    try:
        points = np.array(values, np.float64).reshape(-1, 2)
    except (ValueError, TypeError):
        points = np.full((1, 2), np.nan)
    if not (np.abs(points) < _MAX_COORDINATE).all() or len(points) != (count or len(points)):
        raise ValueError(f"no {what}: {str(values)[:80]}")
    return points


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
