"""Which file name means which image."""

import json
import re

import numpy as np
import pytest

from fastphash.errors import StoreError
from fastphash.labels.coco import Annotations, match_images, read_images
from fastphash.labels.coco_removal import find_removal

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


@pytest.mark.parametrize(
    ("name", "path", "what"),
    [
        ("CAT/1.JPG", "cat/1.jpg", "case"),
        ("images/Cat/1.Jpg", "cat/1.jpg", "case"),
        ("STRASSE.png", "straße.png", "case"),
        ("https://example.org/x/1.jpg?sv=2&sig=ab%2F", "1.jpg", "URL"),
        ("s3://bucket/cat/1.jpg#top", "cat/1.jpg", "URL"),
        ("my%20cat.jpg", "my cat.jpg", "URL"),
        ("my cat.jpg", "my%20cat.jpg", "URL"),
        ("caf%C3%A9.jpg", "café.jpg", "URL"),
        ("1.jpg?size=2", "1.jpg", "URL"),
        ("1.jpg", "1.jpg?size=2", "URL"),
        (".\\cat%5C1.jpg", "cat/1.jpg", "URL"),
        ("cafe\u0301.jpg", "café.jpg", "Unicode form"),
        ("café.jpg", "cafe\u0301.jpg", "Unicode form"),
        ("CAFE\u0301.JPG?x", "café.jpg", "case"),
        ("\u212b.jpg", "\u00e5.jpg", "case"),
        ("caf%E9.jpg", "caf\udce9.jpg", "URL"),
    ],
)
def test_another_spelling_of_a_name_means_the_path(name, path, what):
    others = [b"dog/2.jpg", b"2.png"]
    found = match_images([name], [*others, path.encode(errors="surrogateescape")])
    assert found.rows.tolist() == [2]
    assert found.inexact == {0: what}
    assert (found.unknown, found.unlisted, found.ambiguous) == (0, 2, {})


@pytest.mark.parametrize(
    ("names", "paths", "rows", "ambiguous"),
    [
        # several paths
        (["A.jpg"], ["a.jpg", "a.JPG"], [-1], {0: [0, 1]}),
        (["A.JPG"], ["x/a.jpg", "y/a.jpg"], [-1], {0: [0, 1]}),
        # several images
        (["A.JPG", "a.JPG"], ["a.jpg"], [-1, -1], {0: [0], 1: [0]}),
        (["A.JPG", "a.jpg"], ["a.jpg"], [-1, 0], {0: [0]}),
        (["http://x/a.jpg?v=1", "http://x/a.jpg?v=2"], ["a.jpg"], [-1, -1], {0: [0], 1: [0]}),
        # two images with one name are of one file
        (["A.JPG", "A.JPG"], ["a.jpg"], [0, 0], {}),
        # what differs less comes first
        (["A.jpg?x"], ["a.jpg", "A.jpg"], [1], {}),
        (["cafe\u0301.jpg"], ["CAFÉ.jpg", "café.jpg"], [1], {}),
        # nothing in common
        (["http://x/image?id=1", "b.jpg", ""], ["a.jpg"], [-1, -1, -1], {}),
    ],
)
def test_another_spelling_must_be_the_only_one(names, paths, rows, ambiguous):
    found = match_images(names, [path.encode() for path in paths])
    assert found.rows.tolist() == rows
    assert found.ambiguous == ambiguous


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
        return find_removal(images, matched, PATHS, np.isin(np.arange(len(PATHS)), rows))

    assert goes(2) == ({11}, [1])
    assert goes(2, 4) == ({11, 13}, [1, 3])
    assert goes() == (set(), [])
    message = f"{path}: can't tell whether '1.jpg' goes: it may be 'cat/1.jpg', 'dog/1.jpg'. Write"
    with pytest.raises(StoreError, match=re.escape(message)):
        goes(0, 2)
    # 7.jpg, which no file fits, may be a file that no image fits
    message = (
        f"{path}: 1 image in it, images[2] '7.jpg' first, match no file of the split, and 2 files "
        "that would go, 'x/dog/3.jpg' first, match no image in it: they may be the same. Write"
    )
    with pytest.raises(StoreError, match=re.escape(message)):
        goes(2, 3, 5)


def test_annotations_are_read_when_asked_for(tmp_path):
    path = tmp_path / "all.json"
    annotations = [{"image_id": i % 3, "n": i, "t": "é" * i} for i in range(9)]
    categories = [{"id": 5, "name": "cat"}, {"id": 6}]
    path.write_text(json.dumps({"annotations": annotations, "categories": categories}))
    with Annotations(path, [2, 0, 8], [*range(3), 8]) as some:
        assert [some.categories.of(key) for key in (5, "5", 6, 7)] == ["cat", "cat", "6", "7"]
        assert [one["n"] for one in some.of(0)] == [0, 3, 6]
        assert list(some.of(2)) == annotations[2::3]
        assert list(some.of(8)) == []
    with Annotations(path, [0], [0]) as some:
        path.write_text(" " * 1000)
        with pytest.raises(StoreError, match="at byte 17 can't be read: the file has changed"):
            list(some.of(0))


def test_images_are_named_by_file_name_or_coco_url(tmp_path):
    path = tmp_path / "lvis.json"
    entries = [
        {"id": 1, "coco_url": "http://x/train/1.jpg"},
        {"id": "2", "file_name": "2.jpg", "coco_url": "http://x/9.jpg"},
        {"id": 3, "file_name": None, "coco_url": "http://x/3.jpg"},
        {"id": 4, "file_name": ""},
        {"id": None, "file_name": "5.jpg"},
        {"id": True, "file_name": 6},
        None,
        {"id": 1, "file_name": "8.jpg"},
    ]
    path.write_text(json.dumps({"images": entries}))
    images = read_images(path)
    assert images.ids == [1, "2", 3, 4, None, None, None, 1]
    assert images.names == [
        *("http://x/train/1.jpg", "2.jpg", "http://x/3.jpg", "", "5.jpg", "", "", "8.jpg")
    ]


def test_two_images_with_one_id_must_go_together(tmp_path):
    path = tmp_path / "all.json"
    names = ["cat/1.jpg", "5.jpg", "cat/1.jpg"]
    entries = [{"id": key, "file_name": n} for key, n in zip((7, 7, 8), names, strict=True)]
    path.write_text(json.dumps({"images": entries}))
    images = read_images(path)
    matched = match_images(images.names, PATHS)

    def goes(*rows):
        return find_removal(images, matched, PATHS, np.isin(np.arange(len(PATHS)), rows))

    assert goes(0, 4) == ({7, 8}, [0, 1, 2])
    message = (
        r"images\[0\] and images\[1\] both have the id 7, but 'cat/1.jpg' goes and '5.jpg' stays"
    )
    with pytest.raises(StoreError, match=message):
        goes(0)


def test_annotations_are_found_by_ids_as_texts_and_numbers(tmp_path):
    path = tmp_path / "all.json"
    annotations = [{"image_id": key, "n": n} for n, key in enumerate([1, "1", "01", 2, 7, "07"])]
    path.write_text(json.dumps({"annotations": annotations}))
    # "07" and 7 are two images: an annotation of the one is none of the other
    with Annotations(path, ["1", "07"], ["1", 7, "07", None]) as some:
        assert [one["n"] for one in some.of("1")] == [0, 1, 2]
        assert [one["n"] for one in some.of("07")] == [5]
