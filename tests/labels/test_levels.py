"""Which images COCO files annotate, and with which categories."""

import json

import numpy as np
import pyarrow as pa
import pytest

from fastphash.errors import StoreError
from fastphash.labels.categories import read_categories
from fastphash.labels.coco_labels import CocoLabels
from fastphash.labels.levels import ANNOTATED, LISTED, UNKNOWN, UNLISTED, levels_of, with_levels
from tests.support.stores import hashes_of


@pytest.fixture
def file(tmp_path):
    """Lists a (twice), b and d; c isn't listed, and d isn't in the split."""
    images = {1: "a.jpg", 2: "x/b.jpg", 3: "d.jpg", "four": "a.jpg"}
    annotations = [
        {"id": 1, "image_id": "four", "category_id": 5},
        {"id": 2, "image_id": 3, "category_id": 6},
        {"id": 3, "image_id": 1, "category_id": 5},
        {"id": 4, "image_id": 99, "category_id": 5},
        {"id": 5, "image_id": 1, "category_id": None},
        {"id": 6, "image_id": 1},
        {"id": 7, "image_id": 1, "category_id": "odd"},
    ]
    document = {
        "annotations": annotations,
        "categories": [{"id": 5, "name": "cat"}, {"id": 6, "name": "dog"}],
        "images": [{"id": key, "file_name": name} for key, name in images.items()],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    return path


def rows(*names):
    splits, paths = zip(*(name.split(":") for name in names), strict=True)
    return hashes_of({"split": pa.array(splits).dictionary_encode(), "path": list(paths)})


def test_levels_are_those_of_each_split(file):
    table = rows("train:a.jpg", "val:a.jpg", "train:b.jpg", "train:c.jpg")
    found = levels_of(with_levels(table, {"train": CocoLabels(file)}))
    assert found.tolist() == [ANNOTATED, UNKNOWN, LISTED, UNLISTED]
    assert levels_of(table).tolist() == [UNKNOWN] * 4


def test_a_file_without_annotations_lists_its_images(tmp_path):
    path = tmp_path / "bare.json"
    path.write_text('{"images": [{"id": 1, "file_name": "a.jpg"}]}')
    found = levels_of(with_levels(rows("train:a.jpg", "train:b.jpg"), {"train": CocoLabels(path)}))
    assert found.tolist() == [LISTED, UNLISTED]


def test_no_coco_file_is_an_error(tmp_path):
    path = tmp_path / "no.json"
    path.write_text("[]")
    with pytest.raises(StoreError, match=r"no\.json"):
        with_levels(rows("train:a.jpg"), {"train": CocoLabels(path)})


def test_categories_without_a_number_or_a_name_are_borne(file):
    found = read_categories(rows("train:a.jpg", "train:b.jpg"), file)
    names = [found.names[code] for code in found.category]
    assert list(zip(names, found.row.tolist(), strict=True)) == [
        ("cat", 0),
        ("cat", 0),
        ("odd", 0),
    ]
    assert found.emptied(np.array([True, False])) == {"cat": 1, "odd": 1}
    assert found.emptied(np.array([False, True])) == {}


@pytest.mark.parametrize(
    ("categories", "ids", "emptied"),
    [
        # the id of one category as a text and as a number
        ([{"id": 1, "name": "dog"}], ["1", 1], {}),
        ([{"id": "1", "name": "dog"}], [1, "1"], {}),
        ([{"id": "01", "name": "dog"}], ["1", 1.0], {}),
        ([{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}], ["2", 1], {"cat": 1}),
        # each id is its own if the file lists both
        ([{"id": 1, "name": "dog"}, {"id": "1", "name": "cat"}], ["1", 1], {"cat": 1}),
        # the first of several names, and the id for none
        ([{"id": 1, "name": "dog"}, {"id": 1, "name": "cat"}], [1, 2], {"dog": 1}),
        ([{"id": 1, "name": None}], [1, 2], {"1": 1}),
        ([{"id": 1}, {"name": "dog"}, 7], [1, 2], {"1": 1}),
        # two categories of one name
        ([{"id": 1, "name": "dog"}, {"id": 2, "name": "dog"}], [1, 2], {}),
    ],
)
@pytest.mark.parametrize("last", ["annotations", "categories"])
def test_the_categories_of_the_first_of_two_images(tmp_path, categories, ids, emptied, last):
    document = {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(2)],
        "categories": categories,
        "annotations": [{"id": i, "image_id": i, "category_id": key} for i, key in enumerate(ids)],
    }
    document[last] = document.pop(last)
    path = tmp_path / "train.json"
    path.write_text(json.dumps(document))
    found = read_categories(rows("train:0.jpg", "train:1.jpg"), path)
    assert found.emptied(np.array([True, False])) == emptied
