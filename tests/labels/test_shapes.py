"""Boxes and polygons: turned, compared and read."""

import json
import tracemalloc

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fastphash.base.vocabulary import INVERSE
from fastphash.labels import overlaps
from fastphash.labels.category_names import CategoryNames
from fastphash.labels.coco_check import check_coco
from fastphash.labels.conflicts import count_categories
from fastphash.labels.overlaps import MIN_IOU, iou_matrix, least_iou
from fastphash.labels.shapes import Shape, is_ordinary, orient_shapes, shapes_of
from tests.support import naive
from tests.support.annotations import EIGHT, coco_conflicts, groups_of, polygon, rows_of
from tests.support.examples import examples
from tests.support.scenes import TRANSPOSES

small = st.integers(1, 12)


def box(left, top, right, bottom, category="thing"):
    return Shape(category, np.array([[left, top], [right, bottom]], float), [])


def mask(corners, height, width):
    (left, top), (right, bottom) = np.sort(corners, axis=0)
    y, x = np.mgrid[:height, :width] + 0.5
    return (x > left) & (x < right) & (y > top) & (y < bottom)


@given(small, small, st.sampled_from(EIGHT), st.integers(1, 3), st.data())
def test_a_turned_box_is_the_turned_pixels(width, height, orientation, scale, data):
    corners = np.array(
        [[data.draw(st.integers(0, width)), data.draw(st.integers(0, height))] for _ in range(2)],
        float,
    )
    before = Image.fromarray(mask(corners, height, width))
    after = before.transpose(TRANSPOSES[orientation - 1]) if orientation else before
    after = after.resize((after.width * scale, after.height * scale), Image.Resampling.NEAREST)
    (found,) = orient_shapes([Shape("", corners, [])], orientation, before.size, after.size)
    assert np.array_equal(mask(found.box, after.height, after.width), np.asarray(after))


@given(
    hnp.arrays(np.float64, (5, 2), elements=st.integers(0, 9).map(lambda n: n + 0.25)),
    st.sampled_from(EIGHT),
)
def test_a_turned_polygon_is_the_turned_pixels(points, orientation):
    before = naive.fill(points, 10, 14)
    after = naive.TURNS[orientation](before)
    shape = Shape("", points[:2], [points])
    (found,) = orient_shapes([shape], orientation, (14, 10), after.shape[::-1])
    # a centre on an edge may fall to either side
    edge = shapely.buffer(shapely.linearrings(found.rings[0]), 1e-6)
    y, x = np.indices(after.shape) + 0.5
    off_edge = ~shapely.intersects_xy(edge, x, y)
    filled = naive.fill(found.rings[0], *after.shape)
    assert np.array_equal(filled[off_edge], after[off_edge])
    (back,) = orient_shapes([found], INVERSE[orientation], after.shape[::-1], (14, 10))
    assert np.allclose(back.rings[0], points)


cells = st.tuples(*[st.integers(0, 10)] * 4).filter(lambda b: b[0] != b[2] and b[1] != b[3])


@given(cells, cells)
def test_overlap_of_boxes_is_that_of_their_pixels(one, other):
    a, b = (mask(np.reshape(some, (2, 2)), 10, 10) for some in (one, other))
    expected = (a & b).sum() / (a | b).sum()
    assert iou_matrix([box(*one)], [box(*other)])[0, 0] == pytest.approx(expected)
    corners = [polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) for x0, y0, x1, y1 in (one, other)]
    assert iou_matrix(corners[:1], corners[1:])[0, 0] == pytest.approx(expected)


def test_overlap_uses_polygons_where_both_have_them():
    triangle = polygon([(0, 0), (10, 0), (0, 10)])
    other_half = polygon([(10, 10), (10, 0), (0, 10)])
    square = box(0, 0, 10, 10)
    scores = iou_matrix([triangle, square], [triangle, other_half, square])
    assert scores == pytest.approx(np.array([[1, 0, 1], [1, 1, 1]]))


def test_polygons_of_several_rings_are_their_union():
    rings = [np.array([[x, 0], [x + 4, 0], [x + 4, 4], [x, 4]], float) for x in (0, 2, 20)]
    several = Shape("", np.array([[0, 0], [24, 4]], float), rings)
    assert iou_matrix([several], [polygon([(0, 0), (6, 0), (6, 4), (0, 4)])])[0, 0] == 24 / 40


def test_crossing_flat_and_thin_shapes():
    bow_tie = polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert iou_matrix([bow_tie], [bow_tie])[0, 0] == pytest.approx(1)
    whole = polygon([(0, 0), (10, 0), (10, 10), (0, 10)])
    assert iou_matrix([bow_tie], [whole])[0, 0] == pytest.approx(0.5)
    # no area: their boxes are compared, at least a pixel wide
    line = polygon([(0, 0), (10, 0), (5, 0)])
    assert iou_matrix([line], [line])[0, 0] == 1
    assert iou_matrix([line], [box(0, 5, 10, 5)])[0, 0] == 0
    nowhere = Shape("", np.full((2, 2), np.nan), [])
    assert iou_matrix([nowhere, line], [nowhere])[:, 0].tolist() == [1, 0]


@given(
    st.lists(
        hnp.arrays(
            np.float64,
            st.tuples(st.integers(3, 7), st.just(2)),
            elements=st.integers(-5, 5) | st.floats(-1e9, 1e9, exclude_min=True, exclude_max=True),
        ),
        min_size=1,
        max_size=3,
    )
)
@examples(200)
def test_no_polygon_is_too_odd(rings):
    points = np.concatenate(rings)
    shape = Shape("", np.stack([points.min(axis=0), points.max(axis=0)]), rings)
    assert iou_matrix([shape], [shape])[0, 0] == pytest.approx(1)


def test_partners_are_found_whatever_the_order():
    shapes = [box(x, 0, x + 10, 10) for x in range(0, 100, 11)]
    assert least_iou(shapes, shapes[::-1]) == 1
    moved = [box(x + 2, 0, x + 12, 10) for x in range(0, 100, 11)]
    assert least_iou(shapes, moved) == pytest.approx(8 / 12)
    assert least_iou(shapes, moved[1:]) == 0
    assert least_iou([], []) == 1
    # nothing but what differs by more than rounding is compared at length
    assert least_iou(shapes, [shape._replace(box=shape.box[::-1] + 1e-9) for shape in shapes]) == 1
    assert least_iou([box(0, 0, 9, 9, "cat")], [box(0, 0, 9, 9, "dog")]) == 0


def test_as_many_partners_as_can_be(monkeypatch):
    # the best sum is 0.9 + 0.4, but 0.55 + 0.5 leaves nobody without
    scores = np.array([[0.9, 0.55], [0.5, 0.4]])
    monkeypatch.setattr(overlaps, "iou_matrix", lambda *_: scores)
    two = [box(0, 0, 1, 1), box(0, 0, 1, 1)]
    assert least_iou(two, [box(0, 0, 1, 2), box(0, 0, 1, 2)]) == MIN_IOU


corner = st.floats(0, 40)
objects = st.tuples(corner, corner, st.floats(1, 20), st.floats(1, 20), st.sampled_from("bpn"))


def made(objects):
    """Boxes, triangles in them, and shapes without a place."""
    shapes = []
    for x, y, width, height, sort in objects:
        corners = np.array([[x, y], [x + width, y + height]])
        rings = [np.array([corners[0], [x + width, y], corners[1]])] if sort == "p" else []
        shapes.append(Shape("", corners if sort != "n" else np.full((2, 2), np.nan), rings))
    return shapes


@given(st.lists(objects, min_size=1, max_size=9), st.floats(-3, 3), st.randoms())
@example([(0.0, 0.0, 9.0, 9.0, "b")] * 9, 1.5, None)
@examples(100)
def test_many_objects_are_matched_as_few_are(left, shift, rng):
    right = [(x + shift, y - shift / 2, *rest) for x, y, *rest in left]
    if rng is not None:
        rng.shuffle(right)
    one, other = made(left), made(right)
    with pytest.MonkeyPatch.context() as patch:
        expected = least_iou(one, other)
        patch.setattr(overlaps, "_FEW", 0)
        assert least_iou(one, other) == pytest.approx(expected)
        patch.setattr(overlaps, "_MOST_SUMMED", 0)
        for first in (1, 4):
            patch.setattr(overlaps, "_FIRST", first)
            assert (least_iou(one, other) >= MIN_IOU) == (expected >= MIN_IOU)


def rotated_squares(seed, shift=0.0, size=50.0):
    """600 polygons that all overlap: 360,000 pairs."""
    rng = np.random.default_rng(seed)
    shapes = []
    for x, y, turn in rng.uniform(0, 20, (600, 3)):
        angles = turn + np.arange(0, 2 * np.pi, np.pi / 2)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * size + (x + shift, y)
        shapes.append(Shape("", np.stack([ring.min(axis=0), ring.max(axis=0)]), [ring]))
    return shapes


@pytest.mark.parametrize(
    ("other", "found", "most"),
    [
        # each beside its own: few of each are measured
        (rotated_squares(0, 1.0), True, 4 * 600 + 10_000),
        # no area is large enough for another: none is measured
        (rotated_squares(0, 0.0, 30.0), False, 0),
        # nothing is like one of them: all of that one, too
        (rotated_squares(0, 1.0)[1:] + rotated_squares(0, 60.0)[:1], False, 4 * 600 + 10_000),
        # one is far away: none is measured
        (rotated_squares(0, 1.0)[1:] + rotated_squares(0, 900.0)[:1], False, 4 * 600),
    ],
)
def test_most_overlaps_of_many_polygons_are_not_measured(monkeypatch, other, found, most):
    measured = 0
    measure = overlaps._polygon_ious

    def counting(left, right):
        nonlocal measured
        measured += len(left)
        return measure(left, right)

    monkeypatch.setattr(overlaps, "_polygon_ious", counting)
    assert (least_iou(rotated_squares(0), other) >= MIN_IOU) == found
    assert measured <= most < 360_000


def test_one_object_among_many_without_a_place_is_matched():
    captions = [Shape("", np.full((2, 2), np.nan), [])] * 300
    assert least_iou([*captions, box(3, 5, 3, 5)], [box(3, 5, 4, 6), *captions]) == 1


@pytest.mark.slow
def test_twenty_thousand_objects_need_no_table_of_pairs():
    corners = np.random.default_rng(1).uniform(0, 3000, (20_000, 2))
    one, other = ([box(x, y, x + 9, y + 9) for x, y in at] for at in (corners, corners + 1))
    tracemalloc.start()
    # that of each with its own is 64 / 98, but the best sum may have other pairs
    assert MIN_IOU <= least_iou(one, other) <= 64 / 98
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # all pairs would take 3.2 GB
    assert most < 100 << 20
    crowd = [box(x, y, x + 3000, y + 3000) for x, y in corners]
    assert least_iou(crowd, crowd[1:] + one[:1]) == 0


CATEGORIES = CategoryNames([{"id": 1, "name": "building"}, {"id": 2, "name": "car"}])


def test_shapes_of_annotations():
    (one,) = shapes_of(
        {"category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[0, 0, 4, 0, 4, 4], [1, 1]]},
        CATEGORIES,
    ).shapes
    assert one.category == "building"
    assert one.box.tolist() == [[1, 2], [4, 6]]
    assert [ring.tolist() for ring in one.rings] == [[[0, 0], [4, 0], [4, 4]]]
    (crowd,) = shapes_of(
        {
            "category_id": 7,
            "bbox": [1, 2, 3, 4],
            "iscrowd": 1,
            "segmentation": {"counts": [1, 2], "size": [1, 3]},
        },
        CATEGORIES,
    ).shapes
    assert (crowd.category, crowd.rings) == ("7", [])
    (bounds,) = shapes_of(
        {"category_id": 2, "segmentation": [[0, 1, 4, 0, 2, 3]]}, CATEGORIES
    ).shapes
    assert bounds.box.tolist() == [[0, 0], [4, 3]]
    (caption,) = shapes_of({"caption": "a cat"}, CATEGORIES).shapes
    assert caption.category == "unnamed"
    assert np.isnan(caption.box).all()
    panoptic = {"segments_info": [{"category_id": c, "bbox": [0, 0, 1, 1]} for c in (2, 1, 2)]}
    assert count_categories(shapes_of(panoptic, CATEGORIES).shapes) == "2 car, 1 building"
    assert count_categories([]) == "no objects"


numbers = st.integers(-(10**10), 10**10) | st.floats() | st.sampled_from([True, None, "1", 10**400])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "category_id": st.sampled_from([1, "1", None, 2.5]),
            "bbox": st.lists(numbers, max_size=5),
            "segmentation": st.lists(st.lists(numbers, max_size=6), max_size=2) | st.none(),
            "segments_info": st.just([5]),
        },
    )
)
@examples(500)
@example({"category_id": 1, "bbox": [1, float("nan"), 3, 4]})
@example({"category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[]]})
def test_an_ordinary_annotation_has_no_problem(annotation):
    if is_ordinary(annotation):
        assert shapes_of(annotation, CATEGORIES).problems == []


def test_most_annotations_are_ordinary():
    boxed = {"category_id": 1, "bbox": [1, 2.5, 3, 4]}
    assert is_ordinary(boxed)
    assert is_ordinary(boxed | {"segmentation": [[1, 2, 3.5, 4, 5, 6]]})
    assert not is_ordinary(boxed | {"bbox": [1, 2, float("nan"), 4]})


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"bbox": [1, 2, 3]}, "no bbox: [1, 2, 3]"),
        ({"bbox": [1, 2, 3, float("nan")]}, "no bbox: [1, 2, 3, nan]"),
        ({"bbox": [1, 2, 3, "x"]}, "no bbox: [1, 2, 3, 'x']"),
        ({"bbox": [1, 2, 3, 1e99]}, "no bbox: [1, 2, 3, 1e+99]"),
        ({"bbox": 5}, "no bbox: 5"),
        ({"segmentation": [[1, 2, 3]]}, "no polygon: [1, 2, 3]"),
        ({"category_id": [1]}, "no category_id: [1]"),
        ({"segments_info": [5]}, "is no object: 5"),
        ({"bbox": None}, "no bbox: None"),
        ({"bbox": []}, "no bbox: []"),
        ({"bbox": [1, 2, 3, 4, 0.3]}, "no bbox: [1, 2, 3, 4, 0.3]"),
        ({"bbox": ["1", "2", "3", "4"]}, "no bbox: ['1', '2', '3', '4']"),
        ({"bbox": [1, 2, [3], 4]}, "no bbox: [1, 2, [3], 4]"),
        ({"bbox": [[1, 2], [3, 4]]}, "no bbox: [[1, 2], [3, 4]]"),
        ({"bbox": [1, 2, 3, 10**400]}, "no bbox: [1, 2, 3, 1000"),
        ({"bbox": {"x": 1}}, "no bbox: {'x': 1}"),
        ({"bbox": [1, 2, 3, float("-inf")]}, "no bbox: [1, 2, 3, -inf]"),
        ({"segmentation": [1, 2, 3, 4, 5, 6]}, "no polygon: 1"),
        ({"segmentation": "mask.png"}, "no segmentation: 'mask.png'"),
        ({"segmentation": [[1, 2, None, 4]]}, "no polygon: [1, 2, None, 4]"),
        ({"category_id": None}, "no category_id: None"),
        ({"category_id": True}, "no category_id: True"),
        ({"category_id": float("nan")}, "no category_id: nan"),
    ],
)
def test_bad_annotations_are_named(tmp_path, annotation, message):
    path = tmp_path / "train.json"
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in (1, 2)]
    annotations = [{"id": 77, "image_id": 1} | annotation]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    groups = groups_of([("train", "1.jpg"), ("train", "2.jpg", "exact")])
    rows = rows_of(("train", "1.jpg", 10, 10), ("train", "2.jpg", 10, 10))
    (entry,) = check_coco(path).rejected
    assert str(entry).startswith(f"annotations[0] (id 77, image_id 1): {message}")
    (conflict,) = coco_conflicts(groups, rows, {"train": path}).table.to_pylist()
    assert conflict["label"] == "no objects"
    assert conflict["keeper_label"] == "1 unreadable annotation"
