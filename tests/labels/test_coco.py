"""Which file name means which image."""

import json
import re

import numpy as np
import pytest

from fastphash.errors import StoreError
from fastphash.labels.coco import Annotations, match_images, read_images
from fastphash.labels.coco_filter import removed_images

PATHS = [b"cat/1.jpg", b"dog/1.jpg", b"dog/2.jpg", b"x/dog/3.jpg", b"5.jpg", b"caf\xe9.jpg"]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("cat/1.jpg", 0),
        ("./cat//1.jpg", 0),
        ("2.jpg", 2),
        ("dog\\2.jpg", 2),
        ("C:\\pets\\dog\\2.jpg", 2),
        ("/data/train/dog/1.jpg", 1),
        ("dog/3.jpg", 3),
        ("y/x/dog/3.jpg", 3),
        ("images/5.jpg", 4),
        ("caf\udce9.jpg", 5),
        # neither is a tail of the other: they may well be different images
        ("bird/2.jpg", -1),
        ("22.jpg", -1),
        ("\ud800.jpg", -1),
        ("/", -1),
    ],
)
def test_a_file_name_means_a_path(name, row):
    found = match_images([name], PATHS)
    assert found.rows.tolist() == [row]
    assert not found.ambiguous
    assert found.unlisted == len(PATHS) - (row >= 0)
    assert found.unknown == (row < 0)


@pytest.mark.parametrize(
    ("names", "rows", "ambiguous"),
    [
        # bare names where folders repeat them
        (["1.jpg"], [-1], {0: [0, 1]}),
        # an exact name keeps its path, though another fits it
        (["5.jpg", "images/5.jpg"], [4, -1], {1: [4]}),
        (["a/5.jpg", "b/5.jpg"], [-1, -1], {0: [4], 1: [4]}),
        # two images of one file
        (["a/5.jpg", "a/5.jpg", "dog/2.jpg", "dog/2.jpg"], [4, 4, 2, 2], {}),
        # the longest tail
        (["1.jpg", "pets/dog/1.jpg"], [-1, 1], {0: [0, 1]}),
    ],
)
def test_what_fits_twice_is_ambiguous(names, rows, ambiguous):
    found = match_images(names, PATHS)
    assert found.rows.tolist() == rows
    assert found.ambiguous == ambiguous
    assert found.unknown == 0


def test_a_hundred_thousand_equal_base_names():
    paths = [b"%d/0.jpg" % i for i in range(100_000)]
    found = match_images([f"images/{i}/0.jpg" for i in range(100_000)], paths)
    assert np.array_equal(found.rows, np.arange(100_000))


def test_only_images_in_doubt_that_may_go_are_an_error(tmp_path):
    path = tmp_path / "all.json"
    names = ["1.jpg", "dog/2.jpg", "7.jpg", "images/5.jpg"]
    path.write_text(
        json.dumps({"images": [{"id": 10 + i, "file_name": n} for i, n in enumerate(names)]})
    )
    images = read_images(path)
    matched = match_images(images.names, PATHS)
    assert (matched.unknown, matched.unlisted) == (1, 4)

    def goes(*rows):
        return removed_images(images, matched, PATHS, np.isin(np.arange(len(PATHS)), rows))

    assert goes(2, 3, 5) == {11}
    assert goes(2, 4) == {11, 13}
    assert goes() == set()
    message = f"{path}: can't tell whether '1.jpg' goes: it may be 'cat/1.jpg', 'dog/1.jpg'. Write"
    with pytest.raises(StoreError, match=re.escape(message)):
        goes(0, 2)


def test_annotations_are_read_when_asked_for(tmp_path):
    path = tmp_path / "all.json"
    annotations = [{"image_id": i % 3, "n": i, "t": "é" * i} for i in range(9)]
    categories = [{"id": 5, "name": "cat"}, {"id": 6}]
    path.write_text(json.dumps({"annotations": annotations, "categories": categories}))
    with Annotations(path, [2, 0, 8]) as some:
        assert some.categories == {5: "cat", 6: "6"}
        assert [one["n"] for one in some.of(0)] == [0, 3, 6]
        assert list(some.of(2)) == annotations[2::3]
        assert list(some.of(8)) == []
    with Annotations(path, [0]) as some:
        path.write_text(" " * 1000)
        with pytest.raises(StoreError, match="at byte 17 can't be read, or the file has changed"):
            list(some.of(0))
