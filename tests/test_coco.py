"""COCO files filtered, byte for byte; which file name means which path."""

import json
import re

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_elements import blocks, layouts, values, write

from fastphash import elements
from fastphash.coco import (
    Annotations,
    filter_coco,
    images_that_go,
    match_images,
    read_images,
)
from fastphash.errors import StoreError

ids = st.integers(0, 12) | st.sampled_from(["a", "7", ""])
further = st.dictionaries(
    st.text(max_size=5).filter(lambda key: key not in {"id", "image_id", "file_name"}),
    values,
    max_size=3,
)


@st.composite
def documents(draw):
    """COCO files with whatever else, in any order of keys."""
    images = [
        {"id": key, "file_name": draw(st.text(min_size=1, max_size=5))} | draw(further)
        for key in draw(st.lists(ids, max_size=6, unique=True))
    ]
    annotations = [{"image_id": key} | draw(further) for key in draw(st.lists(ids, max_size=9))]
    items = draw(further) | {"images": images, "annotations": annotations}
    items |= {name: value for name, value in draw(further).items() if name not in items}
    return dict(draw(st.permutations(list(items.items()))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("coco")


@given(documents(), layouts, blocks, st.sets(ids))
@settings(max_examples=300)
def test_a_filtered_file_is_what_json_would_make_of_it(folder, document, layout, block, goes):
    source, target = folder / "all.json", folder / "some.json"
    data = write(source, document, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elements, "_BLOCK", block)
        counts = filter_coco(source, target, goes)
    document = json.loads(data)
    expected = naive.filter_coco(document, goes)
    assert repr(json.loads(target.read_bytes())) == repr(expected)
    assert counts.images == len(expected["images"])
    assert counts.images + counts.images_gone == len(document["images"])
    assert counts.annotations == len(expected["annotations"])
    assert counts.annotations + counts.annotations_gone == len(document["annotations"])
    listed = {image["id"] for image in document["images"]}
    assert counts.orphans == sum(a["image_id"] not in listed for a in document["annotations"])
    if not goes & (listed | {a["image_id"] for a in document["annotations"]}):
        assert target.read_bytes() == data
    assert [path.name for path in folder.glob("_*")] == []


def test_what_stays_is_untouched(tmp_path):
    source, target = tmp_path / "all.json", tmp_path / "some.json"
    source.write_bytes(
        b'\n{ "annotations" :[ {"image_id":1e0,"area":1.0} ,\n'
        b'  {"image_id": 2, "n": 1e5},{"image_id":3, "u": "\\u00e9\xc3\xa9\\/"}\n ] ,'
        b' "x": {"images": [{"id": 2}]}, "images":[{"id":2, "file_name":"b"},\t'
        b'{ "id":1,"file_name":"a" },\r\n {"file_name":"c", "id":3}  ],"y":-0.0 }\n\n'
    )
    assert filter_coco(source, target, {2}) == (2, 1, 2, 1, 0)
    assert target.read_bytes() == (
        b'\n{ "annotations" :[ {"image_id":1e0,"area":1.0},'
        b'{"image_id":3, "u": "\\u00e9\xc3\xa9\\/"}\n ] ,'
        b' "x": {"images": [{"id": 2}]}, "images":['
        b'{ "id":1,"file_name":"a" },\r\n {"file_name":"c", "id":3}  ],"y":-0.0 }\n\n'
    )
    filter_coco(source, target, {1, 2, 3})
    assert b'"images":[  ],"y"' in target.read_bytes()


def test_a_file_may_be_filtered_in_place(tmp_path):
    path = tmp_path / "all.json"
    path.write_text('{"images": [{"id": 1, "file_name": "a"}, {"id": 2, "file_name": "b"}]}')
    assert filter_coco(path, path, {1}) == (1, 1, 0, 0, 0)
    assert path.read_text() == '{"images": [{"id": 2, "file_name": "b"}]}'


A = '{"id": 1, "file_name": "a"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "no COCO file: it has no array 'images'"),
        ('{"annotations": []}', "no COCO file: it has no array 'images'"),
        (f'{{"images": [{A}, {A}]}}', r"images\[1\] has the id 1 of images\[0\] \(byte 41\)"),
        ('{"images": [{"file_name": "a"}]}', r"images\[0\] has no id \(a number or a text\): None"),
        (
            '{"images": [{"id": true, "file_name": "a"}]}',
            r"images\[0\] has no id \(a number or a text\): True",
        ),
        ('{"images": [{"id": [1], "file_name": "a"}]}', r"images\[0\] has no id .*: \[1\]"),
        ('{"images": [{"id": 1}]}', r"images\[0\] has no file_name: None \(byte 12\)"),
        ('{"images": [{"id": 1, "file_name": 5}]}', r"images\[0\] has no file_name: 5"),
        (
            f'{{"annotations": [{{"image_id": 1}}, {{"id": 1}}], "images": [{A}]}}',
            r"annotations\[1\] has no image_id \(a number or a text\): None \(byte 34\)",
        ),
        (
            f'{{"images": [{A}, {{"id": {"1" * 5000}}}]}}',
            r"some id in images\[0\] to \[1\] can't be read: Exceeds the limit",
        ),
        (
            f'{{"images": [{{"id": 1, "x": {"[" * 5000 + "]" * 5000}}}]}}',
            r"images\[0\] can't be read: maximum recursion depth|images\[0\] has no file_name",
        ),
        (f'{{"images": [{A}], "annotations": 5}}', "its 'annotations' is no array"),
        (f'{{"images": [{A}], "annotations": [{{"image_id": 1}}', "it ends too early"),
    ],
)
def test_bad_files_leave_the_target_as_it_was(tmp_path, text, message):
    source, target = tmp_path / "bad.json", tmp_path / "some.json"
    source.write_text(text)
    target.write_text("as it was")
    with pytest.raises(StoreError, match=message) as caught:
        filter_coco(source, target, {1})
    assert str(caught.value).startswith(f"{source}: ")
    assert target.read_text() == "as it was"
    assert len(list(tmp_path.iterdir())) == 2


# which file is which

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
        return images_that_go(images, matched, PATHS, np.isin(np.arange(len(PATHS)), rows))

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
