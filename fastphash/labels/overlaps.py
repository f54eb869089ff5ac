"""Annotations of two images compared: which are the same, by their overlap.

What SciPy has for it is imported where it is needed: it takes a sixth of a second, and most runs
compare no annotations, or equal ones.
"""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from fastphash.labels.shapes import Shape

#: Least intersection over union of two annotations that count as the same.
MIN_IOU = 0.5
# square pixels: intersections of smaller polygons may vanish
_MIN_AREA = 1e-6
# annotations of a category of which all are compared with all: 8 bytes for each pair
_FEW = 256
# shapes that are looked up at once
_AT_ONCE = 64
# pairs that meet, at most; the best sum of so many takes half a second, and of more minutes
_MOST_PAIRS, _MOST_SUMMED = 4_000_000, 100_000
# pairs of a shape that are measured first where any matching counts: its partner is mostly there
_FIRST = 4


def least_iou(copy: list[Shape], keeper: list[Shape]) -> float:
    """The least intersection over union of matched shapes; 0 if a category has more on one side.

    As many pairs as possible reach `MIN_IOU`, and their sum is the largest. Where more than 100,000
    pairs of a category meet, any matching of as many counts, and it is 0 if some have no partner;
    where more than 4,000,000 meet, it is 0.
    """
    if Counter(shape.category for shape in copy) != Counter(shape.category for shape in keeper):
        return 0.0
    # annotations of copies mostly are copies: saves intersections, 2 ms per pair of images
    if _rounded(copy) == _rounded(keeper):
        return 1.0
    copies, keepers = _by_category(copy), _by_category(keeper)
    return min(_least_of_category(copies[name], keepers[name]) for name in copies)


def _by_category(shapes: list[Shape]) -> dict[str, list[Shape]]:
    found: dict[str, list[Shape]] = {}
    for shape in shapes:
        found.setdefault(shape.category, []).append(shape)
    return found


def _least_of_category(left: list[Shape], right: list[Shape]) -> float:
    """As `least_iou`, of as many shapes on both sides."""
    if len(left) > _FEW:
        return _least_of_many(left, right)
    from scipy.optimize import linear_sum_assignment

    ious = iou_matrix(left, right)
    # most pairs from MIN_IOU on come first, their sum second
    weights = (ious >= MIN_IOU) * len(ious) + ious
    return float(ious[linear_sum_assignment(weights, maximize=True)].min())


def _least_of_many(left: list[Shape], right: list[Shape]) -> float:
    """As `_least_of_category`, in memory for those that meet."""
    left, right = _with_place(left), _with_place(right)
    if len(left) != len(right):
        return 0.0
    pairs = _find_meeting(left, right) if left else None
    if not left or pairs is None:
        return 0.0 if left else 1.0
    if pairs.row.size > _MOST_SUMMED:
        return _least_of_any(pairs, len(left))
    pairs = pairs.where(pairs.measure(np.arange(pairs.row.size)) > 0)
    return _least_matched(pairs, _best_sum(pairs, len(left)))


def _least_of_any(pairs: "_Meeting", size: int) -> float:
    """The least overlap in a matching of all of `size` shapes from `MIN_IOU` on; 0 without one.

    To measure the overlap of two outlines takes longest, so only those are that may be as large: of
    each shape first the most alike by their boxes, then, of shapes without a partner, the others.
    """
    pairs = pairs.where(pairs.most >= MIN_IOU)
    left = pairs.rank_of_shape() >= _FIRST
    pairs.measure(np.flatnonzero(~left))
    while True:
        is_good = pairs.iou >= MIN_IOU
        for side in (pairs.row, pairs.column):
            if np.unique(side[is_good | left]).size < size:
                # nothing is left for one of them
                return 0.0
        good = pairs.where(is_good)
        partner = _any_partners(good, size)
        if (partner >= 0).all():
            return _least_matched(good, partner)
        wanted = left & ((partner < 0)[pairs.row] | ~np.isin(pairs.column, partner))
        if not wanted.any():
            # others may give up their partners for those that have none
            wanted = left
        if not wanted.any():
            return 0.0
        pairs.measure(np.flatnonzero(wanted))
        left = left & ~wanted


def _least_matched(pairs: "_Meeting", partner: NDArray[np.int64]) -> float:
    """The least overlap of partners, 0 if a shape has none."""
    matched = pairs.iou[partner[pairs.row] == pairs.column]
    return float(matched.min()) if matched.size == len(partner) else 0.0


def _with_place(shapes: list[Shape]) -> list[Shape]:
    nowhere = np.isnan(_boxes(shapes)).any(axis=1)
    return [shapes[place] for place in np.flatnonzero(np.logical_not(nowhere)).tolist()]


class _Meeting(NamedTuple):
    """Pairs of shapes whose bounding boxes meet.

    Attributes
    ----------
    row, column : int64 (n,)
        Places of the two.
    most, alike : float64 (n,)
        No less than their intersection over union; that of their bounding boxes.
    iou : float64 (n,)
        That itself where it has been measured, else 0.
    left, right : object (n,)
        Their polygons; None of pairs of boxes, whose intersection is known.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    most: NDArray[np.float64]
    alike: NDArray[np.float64]
    iou: NDArray[np.float64]
    left: NDArray[Any]
    right: NDArray[Any]

    def where(self, chosen: NDArray[np.bool_]) -> "_Meeting":
        """Some of the pairs."""
        return _Meeting._make(values[chosen] for values in self)

    def measure(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Measure what isn't known of pairs at these places; returns `iou`, of all."""
        of_polygons = places[~shapely.is_missing(self.left[places])]
        self.iou[of_polygons] = _polygon_ious(self.left[of_polygons], self.right[of_polygons])
        return self.iou

    def rank_of_shape(self) -> NDArray[np.int64]:
        """The place of each pair among those of its row, the most alike first."""
        order = np.lexsort((-self.alike, self.row))
        _, first, number = np.unique(self.row[order], return_index=True, return_inverse=True)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order)) - first[number]
        return rank


def _find_meeting(left: list[Shape], right: list[Shape]) -> _Meeting | None:
    """All pairs that may overlap, as `iou_matrix` has them; None if too many meet."""
    a, b = _boxes(left), _boxes(right)
    polygons_a, polygons_b = _polygons(left), _polygons(right)
    meet = _meeting(shapely.box(*a.T), shapely.box(*b.T))
    outlines = _meeting(polygons_a, polygons_b)
    if meet is None or outlines is None:
        return None
    have = ~shapely.is_missing(polygons_a[meet[0]]) & ~shapely.is_missing(polygons_b[meet[1]])
    row, column = (side[~have] for side in meet)
    of_boxes = _box_ious(a[row], b[column])
    one, other = polygons_a[outlines[0]], polygons_b[outlines[1]]
    most, alike = _bounded_ious(one, other)
    return _Meeting(
        np.append(row, outlines[0]),
        np.append(column, outlines[1]),
        np.append(of_boxes, most),
        np.append(of_boxes, alike),
        np.append(of_boxes, np.zeros(len(one))),
        np.append(np.full(len(row), None, object), one),
        np.append(np.full(len(row), None, object), other),
    )


def _bounded_ious(
    a: NDArray[Any], b: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the intersection over union of polygons is at most, and that of their bounding boxes."""
    areas_a, areas_b = shapely.area(a), shapely.area(b)
    bounds_a, bounds_b = shapely.bounds(a), shapely.bounds(b)
    low = np.maximum(bounds_a[:, :2], bounds_b[:, :2])
    high = np.minimum(bounds_a[:, 2:], bounds_b[:, 2:])
    common = np.minimum(np.maximum(high - low, 0).prod(axis=1), np.minimum(areas_a, areas_b))
    # more by what rounding may cost
    most = common / (areas_a + areas_b - common) * (1 + 1e-9)
    return most, _box_ious(bounds_a, bounds_b)


def _meeting(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int64] | None:
    """Pairs of geometries whose bounding boxes meet, int64 (2, n); None if there are too many."""
    tree, parts, found = shapely.STRtree(b), [np.empty((2, 0), np.int64)], 0
    for start in range(0, len(a), _AT_ONCE):
        pairs = tree.query(a[start : start + _AT_ONCE])
        pairs[0] += start
        parts.append(pairs)
        found += pairs.shape[1]
        if found > _MOST_PAIRS:
            return None
    return np.concatenate(parts, axis=1)


def _best_sum(pairs: _Meeting, size: int) -> NDArray[np.int64]:
    """The partner of each shape, `size` or more for none: most from MIN_IOU on, then the best sum.

    Each shape has a stand-in on the other side, so that there is a partner for all; stand-ins of
    partners go together.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    weight = (pairs.iou >= MIN_IOU) * size + pairs.iou
    none, alone, everyone = 2.0 * size + 1, np.arange(size), np.zeros(2 * size)
    cost = np.concatenate([none - weight, np.full(pairs.row.size, none), none + everyone])
    row = np.concatenate([pairs.row, size + pairs.column, alone, size + alone])
    column = np.concatenate([pairs.column, size + pairs.row, size + alone, alone])
    graph = sparse.csr_array((cost, (row, column)), shape=(2 * size, 2 * size))
    _, partner = min_weight_full_bipartite_matching(graph)
    return np.asarray(partner[:size], np.int64)


def _any_partners(pairs: _Meeting, size: int) -> NDArray[np.int64]:
    """The partner of each shape, -1 for none: as many as possible."""
    from scipy import sparse
    from scipy.sparse.csgraph import maximum_bipartite_matching

    edges = np.ones(pairs.row.size), (pairs.row, pairs.column)
    graph = sparse.csr_array(edges, shape=(size, size))
    return np.asarray(maximum_bipartite_matching(graph, perm_type="column"), np.int64)


def iou_matrix(left: list[Shape], right: list[Shape]) -> NDArray[np.float64]:
    """Intersection over union of shapes, float64 (n, m).

    Of polygons if both have some, else of boxes, which count as at least one pixel wide and high.
    It is 1 for two shapes without a place.
    """
    boxes_a, boxes_b = _boxes(left), _boxes(right)
    ious = _box_ious(boxes_a[:, None], boxes_b[None])
    nowhere_a, nowhere_b = (np.flatnonzero(np.isnan(one).any(axis=1)) for one in (boxes_a, boxes_b))
    ious[nowhere_a] = 0
    ious[:, nowhere_b] = 0
    ious[np.ix_(nowhere_a, nowhere_b)] = 1
    a, b = _polygons(left), _polygons(right)
    ious[np.ix_(~shapely.is_missing(a), ~shapely.is_missing(b))] = 0
    # pairs whose bounding boxes meet; None meets nothing
    column, row = shapely.STRtree(a).query(b)
    if row.size:
        ious[row, column] = _polygon_ious(a[row], b[column])
    return ious


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
    """Intersection over union of boxes, float64; `a` and `b` are (..., 4), broadcast."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    common = np.maximum(high - low, 0).prod(axis=-1)
    area_a, area_b = ((boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (a, b))
    ious: NDArray[np.float64] = common / (area_a + area_b - common)
    return ious


def _polygon_ious(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    common = shapely.area(shapely.intersection(a, b))
    ious: NDArray[np.float64] = common / (shapely.area(a) + shapely.area(b) - common)
    return ious


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
    owners, starts = np.unique(owner, return_index=True)
    for i, of_shape in zip(owners.tolist(), np.split(parts, starts[1:]), strict=True):
        geometries[i] = of_shape[0] if of_shape.size == 1 else shapely.union_all(of_shape)
    geometries[shapely.area(geometries) < _MIN_AREA] = None
    return geometries
