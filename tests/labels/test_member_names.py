"""Class folders, COCO names and masks of images in containers."""

import numpy as np
import pyarrow as pa

from fastphash.hashing.definition import Definition
from fastphash.labels.class_folders import class_folders, find_class_folders
from fastphash.labels.coco import match_images
from fastphash.labels.member_names import container_as_folder, containers_as_folders
from fastphash.sources.mask_names import bare_folder, is_mask_folder
from fastphash.store.rows import HashTable

PATHS = [
    *("a.tar::cat/1.jpg", "a.tar::./dog/1.jpg", "b/c.zip::dog/2.jpg", "b/d.tar.gz::cat/3.jpg"),
    *("cat/4.jpg", "x::y/5.jpg"),
]


def table(paths):
    columns = {"split": ["train"] * len(paths), "path": paths, "phash": np.zeros(len(paths))}
    return HashTable(pa.table(columns), Definition())


def test_the_class_of_a_member_is_a_folder_in_its_container():
    rows = table(PATHS)
    assert find_class_folders(rows) == {"train": 0}
    labels = class_folders(rows.table["split"], rows.table["path"], {"train": 0})
    assert labels.to_pylist() == ["cat", "dog", "dog", "cat", "cat", "x::y"]
    assert find_class_folders(table([f"s{i}.tar::{i}.jpg" for i in range(4)])) == {}


def test_coco_names_mean_members():
    paths = [path.encode() for path in PATHS]
    names = ["cat/1.jpg", "dog/1.jpg", "images/dog/2.jpg", "3.jpg", "a.tar::cat/1.jpg"]
    matched = match_images(names, paths)
    assert matched.rows.tolist()[1:4] == [1, 2, 3]
    assert match_images(names[4:], paths).rows.tolist() == [0]
    twice = match_images(["1.jpg"], [b"a.tar::1.jpg", b"b.tar::1.jpg"])
    assert twice.ambiguous == {0: [0, 1]}


def test_a_container_is_a_folder_of_masks_and_pictures():
    texts = containers_as_folders(pa.chunked_array([PATHS])).to_pylist()
    assert [text.encode() for text in texts] == [
        container_as_folder(path.encode()) for path in PATHS
    ]
    assert texts[1:3] == ["a.tar/dog/1.jpg", "b/c.zip/dog/2.jpg"]
    assert bare_folder("a.tar/masks") == bare_folder("a.tar/images") == "a.tar"
    assert is_mask_folder("a.tar/masks")
