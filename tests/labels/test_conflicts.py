"""Class folders and COCO annotations of copies, against their keepers."""

import json

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastphash.base.vocabulary import INVERSE, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA
from fastphash.labels.conflicts import (
    folder_conflicts,
)
from fastphash.labels.shapes import orient_shapes
from fastphash.results.schemas import GROUPS_SCHEMA
from tests.support.annotations import EIGHT, coco_conflicts, groups_of, polygon, rows_of
from tests.support.examples import slow_but
from tests.support.scenes import TRANSPOSES

# the first folder of each path is a class
FIRST = {"train": 0, "val": 0}


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
    found = folder_conflicts(groups, FIRST)
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
    parquet.write_table(tmp_path / "conflicts.parquet", found)
    assert parquet.read_table(tmp_path / "conflicts.parquet").to_pylist() == found.to_pylist()


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
    found = folder_conflicts(table, FIRST).select(["group", "label", "keeper_label"]).to_pylist()
    assert [tuple(row.values()) for row in found] == expected


@pytest.mark.parametrize("rows", slow_but([50_000], [50_000, 1_000_000]))
def test_any_number_of_rows(rows):
    number = np.arange(rows) // 2
    code = np.arange(rows) % 2
    split = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["train"])
    path = pa.array(np.char.add(np.where(number % 3 + code == 3, "dog/", "cat/"), "name.jpg"))
    kind = pa.DictionaryArray.from_arrays(pa.array(code * 0, pa.int32(), mask=code == 0), ["near"])
    columns = {name: pa.nulls(rows) for name in GROUPS_SCHEMA.names}
    columns |= {"group": pa.array(number), "split": split, "path": path, "kind": kind}
    found = folder_conflicts(pa.table(columns).cast(GROUPS_SCHEMA), FIRST)
    assert found["group"].to_numpy().tolist() == [i for i in range(rows // 2) if i % 3 == 2]


CATEGORIES = {1: "building", 2: "car"}


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
    found = orient_shapes([polygon(p) for _, p in shapes], INVERSE[t], size, copy_size)
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


def test_boxes_of_a_part_are_not_compared_with_those_of_the_whole(tmp_path):
    """They have moved with the crop; the folders of its classes have not."""
    moved = L_SHAPE - (2, 3)
    files = {
        "train": write_coco(
            tmp_path / "train.json", {"cat/a.jpg": [(1, L_SHAPE)], "cat/b.jpg": [(1, L_SHAPE)]}
        ),
        "val": write_coco(
            tmp_path / "val.json", {"cat/crop.jpg": [(1, moved)], "dog/far.jpg": [(2, moved)]}
        ),
    }
    images = [("train", "cat/a.jpg"), ("val", "cat/crop.jpg"), ("val", "dog/far.jpg")]
    images += [("val", "cat/unlisted.jpg"), ("test", "cat/none.jpg"), ("train", "cat/b.jpg")]
    rows = rows_of(*((*image, 60, 48) for image in images))
    groups = groups_of([images[0], *((*image, "cropped") for image in images[1:])])
    found = coco_conflicts(groups, rows, files)
    assert (found.table.num_rows, found.not_compared) == (0, {"coco": 3})
    assert folder_conflicts(groups, FIRST)["path"].to_pylist() == ["dog/far.jpg"]
    # as whole images they would be conflicts
    groups = groups_of([images[0], *((*image, "altered") for image in images[1:])])
    found = coco_conflicts(groups, rows, files)
    assert found.table["path"].to_pylist() == ["cat/crop.jpg", "dog/far.jpg"]
    assert found.not_compared == {}


def test_hashes_without_sizes_are_refused(tmp_path):
    path = write_coco(tmp_path / "train.json", {"a.jpg": [], "b.jpg": []})
    groups = groups_of([("train", "a.jpg"), ("train", "b.jpg", "exact")])
    rows = rows_of(("train", "a.jpg", None, None), ("train", "b.jpg", 5, 5))
    with pytest.raises(StoreError, match="the hashes don't say image sizes"):
        coco_conflicts(groups, rows, {"train": path})
