"""Class folders and COCO annotations of copies, against their keepers'."""

import json
import re

import naive
import numpy as np
import pyarrow as pa
import pytest
import shapely
from helpers import TRANSPOSES, hashes_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fastphash import labels, tables
from fastphash.errors import StoreError
from fastphash.labels import (
    CONFLICTS_SCHEMA,
    IOU,
    Shape,
    agreement,
    coco_conflicts,
    describe,
    folder_conflicts,
    has_class_folders,
    overlap,
    shapes_of,
    turned,
)
from fastphash.results import GROUPS_SCHEMA
from fastphash.words import INVERSE, ORIENTATIONS

EIGHT = range(len(ORIENTATIONS))


def groups_of(*groups):
    """A table of groups: each a list of (split, path, kind, orientation), the keeper first."""
    rows = []
    for number, members in enumerate(groups):
        for i, (split, path, *relation) in enumerate(members):
            kind, orientation = (*relation, "identity")[:2] if relation else (None, None)
            exact = path if isinstance(path, bytes) else None
            rows.append(
                {
                    "group": number,
                    "split": split,
                    "path": exact.decode(errors="replace") if exact else path,
                    "path_bytes": exact,
                    "role": "copy" if i else "keeper",
                    "kind": kind,
                    "distance": 1 if i else None,
                    "orientation": orientation,
                    "score": 1.0 if i else None,
                    "colour": "same" if i else None,
                    "colour_distance": 0.0 if i else None,
                }
            )
    columns = {
        field.name: pa.array([row[field.name] for row in rows], field_type(field))
        for field in GROUPS_SCHEMA
    }
    return pa.table(columns).cast(GROUPS_SCHEMA)


def field_type(field):
    return pa.string() if pa.types.is_dictionary(field.type) else field.type


def rows_of(*images):
    """Rows of a store: (split, path, width, height) each."""
    split, path, width, height = zip(*images, strict=True)
    exact = [name if isinstance(name, bytes) else None for name in path]
    return hashes_of(
        {
            "split": pa.array(split).dictionary_encode(),
            "path": [n.decode(errors="replace") if isinstance(n, bytes) else n for n in path],
            "path_bytes": pa.array(exact, pa.binary()),
            "width": pa.array(width, pa.int32()),
            "height": pa.array(height, pa.int32()),
        }
    )


# class folders


@pytest.mark.parametrize(
    ("paths", "there"),
    [
        (["train/cat/1", "train/dog/2"], True),
        (["train/cat/1", "train/dog/2", "val/cat/3"], True),
        (["train/cat/1", "train/dog/2", "val/cat/3", "val/cow/3"], True),
        (["train/cat/1", "train/dog/2", "val/cow/3", "val/ant/3"], False),
        (["train/cat/1", "train/dog/2", "val/images/3"], False),
        (["train/cat/1", "train/dog/2", "train/3"], False),
        (["train/cat/1", "train/dog/2", "val/3"], False),
        (["train/cat/1", "train/cat/2", "val/cat/3"], False),
        ([], False),
    ],
)
def test_class_folders_are_seen(paths, there):
    parts = [path.partition("/") for path in paths]
    columns = {
        "split": pa.array([split for split, _, _ in parts], pa.string()).dictionary_encode(),
        "path": pa.array([path for _, _, path in parts], pa.string()),
    }
    assert has_class_folders(hashes_of(columns)) == there


def test_copies_in_other_folders_than_their_keepers_are_conflicts(tmp_path):
    groups = groups_of(
        [
            ("val", "cat/a.jpg"),
            ("train", "cat/x/b.jpg", "identical"),
            ("train", "dog/c.jpg", "near", "transpose"),
            ("train", "dog/d.jpg", "collision"),
            ("train", "loose.jpg", "exact"),
        ],
        [("train", b"\xe9/e.jpg"), ("train", b"\xe8/f.jpg", "exact")],
        [("val", "loose.jpg"), ("train", "dog/g.jpg", "exact")],
        [("val", "dog/dog/h.jpg"), ("val", "dog/h.jpg", "exact")],
    )
    found = folder_conflicts(groups)
    assert found.schema == CONFLICTS_SCHEMA
    assert found.to_pylist() == [
        {
            "group": 0,
            "split": "train",
            "path": "dog/c.jpg",
            "label": "dog",
            "keeper_split": "val",
            "keeper_path": "cat/a.jpg",
            "keeper_label": "cat",
            "kind": "near",
            "distance": 1,
            "orientation": "transpose",
            "source": "folder",
            "iou": None,
            "path_bytes": None,
            "keeper_path_bytes": None,
        },
        {
            "group": 1,
            "split": "train",
            "path": "\ufffd/f.jpg",
            "label": "\ufffd",
            "keeper_split": "train",
            "keeper_path": "\ufffd/e.jpg",
            "keeper_label": "\ufffd",
            "kind": "exact",
            "distance": 1,
            "orientation": "identity",
            "source": "folder",
            "iou": None,
            "path_bytes": b"\xe8/f.jpg",
            "keeper_path_bytes": b"\xe9/e.jpg",
        },
    ]
    tables.write_table(tmp_path / "conflicts.parquet", found)
    assert tables.read_table(tmp_path / "conflicts.parquet").to_pylist() == found.to_pylist()


@given(st.lists(st.lists(st.sampled_from(["a/", "b/", "c/", ""]), min_size=2), max_size=6))
def test_folder_conflicts_are_those_of_a_plain_loop(groups):
    table = groups_of(
        *(
            [
                ("train", f"{folder}{i}.jpg", *(["near"] if i else []))
                for i, folder in enumerate(group)
            ]
            for group in groups
        )
    )
    expected = [
        (number, folder[:-1], group[0][:-1])
        for number, group in enumerate(groups)
        for folder in group[1:]
        if folder and group[0] and folder != group[0]
    ]
    found = folder_conflicts(table).select(["group", "label", "keeper_label"]).to_pylist()
    assert [tuple(row.values()) for row in found] == expected


def test_a_million_rows():
    rows = 1_000_000
    number = np.arange(rows) // 2
    code = np.arange(rows) % 2
    split = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["train"])
    path = pa.array(np.char.add(np.where(number % 3 + code == 3, "dog/", "cat/"), "name.jpg"))
    kind = pa.DictionaryArray.from_arrays(pa.array(code * 0, pa.int32(), mask=code == 0), ["near"])
    columns = {name: pa.nulls(rows) for name in GROUPS_SCHEMA.names}
    columns |= {"group": pa.array(number), "split": split, "path": path, "kind": kind}
    found = folder_conflicts(pa.table(columns).cast(GROUPS_SCHEMA))
    assert found["group"].to_numpy().tolist() == [i for i in range(rows // 2) if i % 3 == 2]


# boxes and polygons

small = st.integers(1, 12)


def box(left, top, right, bottom, category="thing"):
    return Shape(category, np.array([[left, top], [right, bottom]], float), [])


def polygon(points, category="thing"):
    ring = np.array(points, float)
    return Shape(category, np.stack([ring.min(axis=0), ring.max(axis=0)]), [ring])


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
    (found,) = turned([Shape("", corners, [])], orientation, before.size, after.size)
    assert np.array_equal(mask(found.box, after.height, after.width), np.asarray(after))


@given(
    hnp.arrays(np.float64, (5, 2), elements=st.integers(0, 9).map(lambda n: n + 0.25)),
    st.sampled_from(EIGHT),
)
def test_a_turned_polygon_is_the_turned_pixels(points, orientation):
    before = naive.fill(points, 10, 14)
    after = naive.TURNS[orientation](before)
    shape = Shape("", points[:2], [points])
    (found,) = turned([shape], orientation, (14, 10), after.shape[::-1])
    # a centre on an edge may fall to either side
    edge = shapely.buffer(shapely.linearrings(found.rings[0]), 1e-6)
    y, x = np.indices(after.shape) + 0.5
    off_edge = ~shapely.intersects_xy(edge, x, y)
    filled = naive.fill(found.rings[0], *after.shape)
    assert np.array_equal(filled[off_edge], after[off_edge])
    (back,) = turned([found], INVERSE[orientation], after.shape[::-1], (14, 10))
    assert np.allclose(back.rings[0], points)


cells = st.tuples(*[st.integers(0, 10)] * 4).filter(lambda b: b[0] != b[2] and b[1] != b[3])


@given(cells, cells)
def test_overlap_of_boxes_is_that_of_their_pixels(one, other):
    a, b = (mask(np.reshape(some, (2, 2)), 10, 10) for some in (one, other))
    expected = (a & b).sum() / (a | b).sum()
    assert overlap([box(*one)], [box(*other)])[0, 0] == pytest.approx(expected)
    corners = [polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) for x0, y0, x1, y1 in (one, other)]
    assert overlap(corners[:1], corners[1:])[0, 0] == pytest.approx(expected)


def test_overlap_uses_polygons_where_both_have_them():
    triangle = polygon([(0, 0), (10, 0), (0, 10)])
    other_half = polygon([(10, 10), (10, 0), (0, 10)])
    square = box(0, 0, 10, 10)
    scores = overlap([triangle, square], [triangle, other_half, square])
    assert scores == pytest.approx(np.array([[1, 0, 1], [1, 1, 1]]))


def test_polygons_of_several_rings_are_their_union():
    rings = [np.array([[x, 0], [x + 4, 0], [x + 4, 4], [x, 4]], float) for x in (0, 2, 20)]
    several = Shape("", np.array([[0, 0], [24, 4]], float), rings)
    assert overlap([several], [polygon([(0, 0), (6, 0), (6, 4), (0, 4)])])[0, 0] == 24 / 40


def test_crossing_flat_and_thin_shapes():
    bow_tie = polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert overlap([bow_tie], [bow_tie])[0, 0] == pytest.approx(1)
    whole = polygon([(0, 0), (10, 0), (10, 10), (0, 10)])
    assert overlap([bow_tie], [whole])[0, 0] == pytest.approx(0.5)
    # no area: their boxes are compared, at least a pixel wide
    line = polygon([(0, 0), (10, 0), (5, 0)])
    assert overlap([line], [line])[0, 0] == 1
    assert overlap([line], [box(0, 5, 10, 5)])[0, 0] == 0
    nowhere = Shape("", np.full((2, 2), np.nan), [])
    assert overlap([nowhere, line], [nowhere])[:, 0].tolist() == [1, 0]


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
@settings(max_examples=200)
def test_no_polygon_is_too_odd(rings):
    points = np.concatenate(rings)
    shape = Shape("", np.stack([points.min(axis=0), points.max(axis=0)]), rings)
    assert overlap([shape], [shape])[0, 0] == pytest.approx(1)


def test_partners_are_found_whatever_the_order():
    shapes = [box(x, 0, x + 10, 10) for x in range(0, 100, 11)]
    assert agreement(shapes, shapes[::-1]) == 1
    moved = [box(x + 2, 0, x + 12, 10) for x in range(0, 100, 11)]
    assert agreement(shapes, moved) == pytest.approx(8 / 12)
    assert agreement(shapes, moved[1:]) == 0
    assert agreement([], []) == 1
    # nothing but what differs by more than rounding is compared at length
    assert agreement(shapes, [shape._replace(box=shape.box[::-1] + 1e-9) for shape in shapes]) == 1
    assert agreement([box(0, 0, 9, 9, "cat")], [box(0, 0, 9, 9, "dog")]) == 0


def test_as_many_partners_as_can_be(monkeypatch):
    # the best sum is 0.9 + 0.4, but 0.55 + 0.5 leaves nobody without
    scores = np.array([[0.9, 0.55], [0.5, 0.4]])
    monkeypatch.setattr(labels, "overlap", lambda *_: scores)
    two = [box(0, 0, 1, 1), box(0, 0, 1, 1)]
    assert agreement(two, [box(0, 0, 1, 2), box(0, 0, 1, 2)]) == IOU


# annotations

CATEGORIES = {1: "building", 2: "car"}


def test_shapes_of_annotations():
    (one,) = shapes_of(
        {"category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[0, 0, 4, 0, 4, 4], [1, 1]]},
        CATEGORIES,
    )
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
    )
    assert (crowd.category, crowd.rings) == ("7", [])
    (bounds,) = shapes_of({"category_id": 2, "segmentation": [[0, 1, 4, 0, 2, 3]]}, CATEGORIES)
    assert bounds.box.tolist() == [[0, 0], [4, 3]]
    (caption,) = shapes_of({"caption": "a cat"}, CATEGORIES)
    assert caption.category == "unnamed"
    assert np.isnan(caption.box).all()
    panoptic = {"segments_info": [{"category_id": c, "bbox": [0, 0, 1, 1]} for c in (2, 1, 2)]}
    assert describe(shapes_of(panoptic, CATEGORIES)) == "2 car, 1 building"
    assert describe([]) == "no objects"


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
        ({"segments_info": [5]}, "no segment: 5"),
    ],
)
def test_bad_annotations_are_named(tmp_path, annotation, message):
    path = tmp_path / "train.json"
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in (1, 2)]
    annotations = [{"id": 77, "image_id": 1} | annotation]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    groups = groups_of([("train", "1.jpg"), ("train", "2.jpg", "exact")])
    rows = rows_of(("train", "1.jpg", 10, 10), ("train", "2.jpg", 10, 10))
    full = f"{path}: annotation 77 of image 1: {message}"
    with pytest.raises(StoreError, match=f"^{re.escape(full)}$"):
        coco_conflicts(groups, rows, {"train": path})


# conflicts of COCO files


def write_coco(path, images):
    """`images`: name -> list of (category id, points of a polygon)."""
    annotations = [
        {
            "image_id": number,
            "category_id": category,
            "bbox": [*points.min(axis=0).tolist(), *np.ptp(points, axis=0).tolist()],
            "segmentation": [points.ravel().tolist()],
        }
        for number, shapes in enumerate(images.values())
        for category, points in shapes
    ]
    document = {
        "annotations": annotations,
        "categories": [{"id": key, "name": name} for key, name in CATEGORIES.items()],
        "images": [{"id": i, "file_name": name} for i, name in enumerate(images)],
    }
    path.write_text(json.dumps(document))
    return path


L_SHAPE = np.array([(2, 3), (30, 3), (30, 9), (9, 9), (9, 40), (2, 40)], float)
SQUARE = np.array([(40, 5), (50, 5), (50, 12), (40, 12)], float)


def resized(shapes, t, scale, size=(60, 48)):
    """Points of a 60 x 48 picture in a copy that orientation `t` turns back into its frame."""
    copy = Image.new("L", size)
    if t:
        copy = copy.transpose(TRANSPOSES[INVERSE[t] - 1])
    copy_size = (round(copy.width * scale), round(copy.height * scale))
    found = turned([polygon(p) for _, p in shapes], INVERSE[t], size, copy_size)
    pairs = zip(shapes, found, strict=True)
    return [(category, shape.rings[0]) for (category, _), shape in pairs], copy_size


@pytest.mark.parametrize("t", EIGHT)
@pytest.mark.parametrize("scale", [1, 0.5, 2.5])
def test_copies_with_the_same_objects_are_no_conflict_in_any_orientation(tmp_path, t, scale):
    keeper = [(1, L_SHAPE), (2, SQUARE)]
    same, size = resized(keeper, t, scale)
    # the L mirrored in place: box as before, the polygon elsewhere
    flipped = L_SHAPE.copy()
    flipped[:, 0] = 32 - flipped[:, 0]
    moved, _ = resized([(1, flipped), (2, SQUARE)], t, scale)
    other, _ = resized([(1, L_SHAPE), (1, SQUARE)], t, scale)
    train = {"same.jpg": same[::-1], "moved.jpg": moved, "other.jpg": other, "none.jpg": []}
    files = {
        "train": write_coco(tmp_path / "train.json", train),
        "val": write_coco(tmp_path / "val.json", {"images/keeper.jpg": keeper}),
    }
    members = [("val", "keeper.jpg")]
    members += [("train", name, "augmented", ORIENTATIONS[t]) for name in (*train, "unlisted.jpg")]
    rows = rows_of(
        ("val", "keeper.jpg", 60, 48), *(("train", name, *size) for _, name, *_ in members[1:])
    )
    found = coco_conflicts(groups_of(members), rows, files)
    assert found.table.schema == CONFLICTS_SCHEMA
    keeper_label = "1 building, 1 car"
    got = found.table.select(["path", "label", "keeper_label", "orientation", "source", "iou"])
    a, b = shapely.polygons(L_SHAPE), shapely.polygons(flipped)
    iou = np.float32(shapely.area(a & b) / shapely.area(a | b))
    assert [tuple(row.values()) for row in got.to_pylist()] == [
        ("moved.jpg", keeper_label, keeper_label, ORIENTATIONS[t], "coco", pytest.approx(iou)),
        ("other.jpg", "2 building", keeper_label, ORIENTATIONS[t], "coco", 0),
        ("none.jpg", "no objects", keeper_label, ORIENTATIONS[t], "coco", 0),
    ]
    assert found.matched["train"].unlisted == 1
    assert found.matched["val"].rows.tolist() == [0]


def test_the_wrong_orientation_would_be_a_conflict(tmp_path):
    shapes, size = resized([(1, L_SHAPE)], 1, 1)
    path = write_coco(tmp_path / "all.json", {"a.jpg": [(1, L_SHAPE)], "b.jpg": shapes})
    rows = rows_of(("all", "a.jpg", 60, 48), ("all", "b.jpg", *size))
    for t in EIGHT:
        groups = groups_of([("all", "a.jpg"), ("all", "b.jpg", "augmented", ORIENTATIONS[t])])
        found = coco_conflicts(groups, rows, {"all": path}).table
        assert found.num_rows == (t != 1)


def test_splits_without_a_file_and_collisions_have_no_conflicts(tmp_path):
    path = write_coco(tmp_path / "train.json", {"a.jpg": [(1, L_SHAPE)], b"b.jpg".decode(): []})
    images = [("train", "a.jpg"), ("train", "b.jpg"), ("val", "a.jpg"), ("val", b"\xff.jpg")]
    rows = rows_of(*((*image, 60, 48) for image in images))
    groups = groups_of(
        [images[0], (*images[2], "exact"), (*images[1], "collision")],
        [images[3], (*images[1], "exact")],
    )
    assert coco_conflicts(groups, rows, {"train": path}).table.num_rows == 0
    assert coco_conflicts(groups, rows, {}).table.num_rows == 0
    # now a copy, and both are listed
    groups = groups_of([images[0], (*images[1], "near")])
    found = coco_conflicts(groups, rows, {"train": path}).table
    assert found.select(["label", "keeper_label"]).to_pylist() == [
        {"label": "no objects", "keeper_label": "1 building"}
    ]


def test_hashes_without_sizes_are_refused(tmp_path):
    path = write_coco(tmp_path / "train.json", {"a.jpg": [], "b.jpg": []})
    groups = groups_of([("train", "a.jpg"), ("train", "b.jpg", "exact")])
    rows = rows_of(("train", "a.jpg", None, None), ("train", "b.jpg", 5, 5))
    with pytest.raises(StoreError, match="the hashes don't say image sizes"):
        coco_conflicts(groups, rows, {"train": path})
