"""Boxes and polygons of annotations: turned into another frame, and compared."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fastphash.base.orientations import STEPS

#: Two annotations of one category are partners from this intersection over union on.
IOU = 0.5
# coordinates beyond are no pixels
_FURTHEST = 1e9
# in square pixels: an intersection of anything less may vanish
_LEAST_AREA = 1e-6


class Shape(NamedTuple):
    """What one annotation says.

    Attributes
    ----------
    category : str
    box : float64 (2, 2)
        Two opposite corners (x, y); NaN without a place.
    rings : list of float64 (n, 2)
        Polygons; none for boxes, crowds and masks in run-length code.
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
        Index of ORIENTATIONS: what turns the copy into its keeper's frame.
    size, keeper_size : (int, int)
        Width and height.
    """
    # all points at once takes a quarter of the time of one shape after another
    pieces = [piece for shape in shapes for piece in (shape.box, *shape.rings)]
    if not pieces:
        return []
    transposed, rows, columns = STEPS[orientation]
    unit = np.concatenate(pieces) / size
    x, y = (unit[:, 1], unit[:, 0]) if transposed else (unit[:, 0], unit[:, 1])
    unit = np.stack([1 - x if columns else x, 1 - y if rows else y], axis=1)
    points = _cut(unit * keeper_size, [len(piece) for piece in pieces])
    return [
        Shape(shape.category, next(points), [next(points) for _ in shape.rings]) for shape in shapes
    ]


def agreement(ours: list[Shape], theirs: list[Shape]) -> float:
    """The least intersection over union of partners, 0 where some shape can have none."""
    if Counter(shape.category for shape in ours) != Counter(shape.category for shape in theirs):
        return 0.0
    # those of copies mostly are copies: 2 ms a pair of images for their intersections, saved
    if _rounded(ours) == _rounded(theirs):
        return 1.0
    least = 1.0
    for category in {shape.category for shape in ours}:
        scores = overlap(
            [shape for shape in ours if shape.category == category],
            [shape for shape in theirs if shape.category == category],
        )
        # as many partners as can be, and the best of those
        worth = (scores >= IOU) * len(scores) + scores
        least = min(least, float(scores[linear_sum_assignment(worth, maximize=True)].min()))
    return least


def overlap(ours: list[Shape], theirs: list[Shape]) -> NDArray[np.float64]:
    """Intersection over union of shapes, float64 (n, m).

    Of polygons where both have some, else of boxes, none of them taken for thinner than a pixel.
    Two that have no place at all overlap.
    """
    scores = _box_overlap(_boxes(ours), _boxes(theirs))
    a, b = _polygons(ours), _polygons(theirs)
    scores[np.ix_(~shapely.is_missing(a), ~shapely.is_missing(b))] = 0
    # pairs of those whose extents meet; None meets nothing
    right, left = shapely.STRtree(a).query(b)
    if left.size:
        common = shapely.area(shapely.intersection(a[left], b[right]))
        scores[left, right] = common / (shapely.area(a[left]) + shapely.area(b[right]) - common)
    return scores


def shapes_of(annotation: dict[str, Any], categories: Mapping[Any, str]) -> list[Shape]:
    """The shapes of a COCO annotation: one, or the segments of a panoptic one.

    Raises
    ------
    TypeError, ValueError
        A category, box or polygon is none.
    """
    segments = annotation.get("segments_info")
    found = []
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
        found.append(Shape(category, box, rings))
    return found


def _points(values: Any, what: str, count: int | None = None) -> NDArray[np.float64]:
    """A list of coordinates as float64 (n, 2)."""
    try:
        points = np.array(values, np.float64).reshape(-1, 2)
    except (ValueError, TypeError):
        points = np.full((1, 2), np.nan)
    if not (np.abs(points) < _FURTHEST).all() or len(points) != (count or len(points)):
        raise ValueError(f"no {what}: {str(values)[:80]}")
    return points


def _cut(points: NDArray[np.float64], lengths: list[int]) -> Iterator[NDArray[np.float64]]:
    start = 0
    for length in lengths:
        yield points[start : start + length]
        start += length


def _rounded(shapes: list[Shape]) -> Counter[tuple[str | bytes, ...]]:
    """The places of shapes to a hundredth of a pixel."""
    found: Counter[tuple[str | bytes, ...]] = Counter()
    for shape in shapes:
        points = shape.rings or [np.sort(shape.box, axis=0)]
        # with 0 added, for -0 has other bytes
        found[shape.category, *((ring.round(2) + 0.0).tobytes() for ring in points)] += 1
    return found


def _boxes(shapes: list[Shape]) -> NDArray[np.float64]:
    """Left, top, right and bottom of each, float64 (n, 4), at least a pixel apart."""
    corners = np.stack([shape.box for shape in shapes])
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, np.maximum(high, low + 1)], axis=1)


def _box_overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.maximum(high - low, 0).prod(axis=2)
    area_a, area_b = ((some[:, 2:] - some[:, :2]).prod(axis=1) for some in (a, b))
    scores = common / (area_a[:, None] + area_b[None, :] - common)
    nowhere_a, nowhere_b = np.isnan(area_a)[:, None], np.isnan(area_b)[None, :]
    scores = np.where(nowhere_a | nowhere_b, 0.0, scores)
    return np.where(nowhere_a & nowhere_b, 1.0, scores)


def _polygons(shapes: list[Shape]) -> NDArray[Any]:
    """The area of each as a valid geometry; None where there is none."""
    made = np.full(len(shapes), None, object)
    rings = [ring for shape in shapes for ring in shape.rings]
    if not rings:
        return made
    owner = np.repeat(np.arange(len(shapes)), [len(shape.rings) for shape in shapes])
    of_point = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    parts = shapely.polygons(shapely.linearrings(np.concatenate(rings), indices=of_point))
    # rings that cross themselves are cut into parts that don't
    wrong = ~shapely.is_valid(parts)
    parts[wrong] = shapely.make_valid(parts[wrong], method="structure", keep_collapsed=False)
    for i in np.unique(owner).tolist():
        own = parts[owner == i]
        made[i] = own[0] if own.size == 1 else shapely.union_all(own)
    made[shapely.area(made) < _LEAST_AREA] = None
    return made
