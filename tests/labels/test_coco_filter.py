"""COCO files filtered, byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.errors import StoreError
from fastphash.files import json_arrays
from fastphash.labels.coco import read_images
from fastphash.labels.coco_filter import check_filtered, filter_coco
from tests.support import naive
from tests.support.examples import examples
from tests.support.json_files import blocks, layouts, values, write

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
@examples(300)
def test_a_filtered_file_is_what_json_would_make_of_it(folder, document, layout, block, goes):
    source, target = folder / "all.json", folder / "some.json"
    data = write(source, document, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_arrays, "_BLOCK", block)
        counts = filter_coco(source, target, goes)
    document = json.loads(data)
    expected = naive.filter_coco(document, goes)
    assert repr(json.loads(target.read_bytes())) == repr(expected)
    assert counts.images == len(expected["images"])
    assert counts.images + counts.images_gone == len(document["images"])
    assert counts.annotations == len(expected["annotations"])
    assert counts.annotations + counts.annotations_gone == len(document["annotations"])
    listed = [image["id"] for image in document["images"]]
    meant = [naive.meant_id(one["image_id"], listed) for one in document["annotations"]]
    assert counts.orphans == sum(key not in listed for key in meant)
    if not goes & {*listed, *meant}:
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
        ('{"images": null}', "no COCO file: it has no array 'images'"),
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


@pytest.mark.parametrize(
    ("images", "annotations"),
    [
        ([{"id": "1"}, {"id": "2"}], [{"image_id": 1}, {"image_id": 2}]),
        ([{"id": 1}, {"id": 2}], [{"image_id": "1"}, {"image_id": "2"}]),
        ([{"id": "0001"}, {"id": "0002"}], [{"image_id": 1.0}, {"image_id": 2}]),
        ([{"id": 1.0}, {"id": 2.0}], [{"image_id": "1.0"}, {"image_id": "02"}]),
    ],
)
def test_ids_as_texts_and_numbers_are_the_same(tmp_path, images, annotations):
    source, target = tmp_path / "all.json", tmp_path / "some.json"
    source.write_text(json.dumps({"images": images, "annotations": annotations}))
    assert filter_coco(source, target, {images[0]["id"]}) == (1, 1, 1, 1, 0)
    kept = json.loads(target.read_text())
    assert kept == {"images": images[1:], "annotations": annotations[1:]}


def test_what_is_odd_stays_as_it_is(tmp_path):
    source, target = tmp_path / "all.json", tmp_path / "some.json"
    document = {
        "images": [None, 5, {"id": 1, "file_name": "a"}, {"file_name": "b"}, {"id": [1]}],
        "annotations": ["x", {"image_id": 1}, {"image_id": None}, {}, [1], {"image_id": True}],
    }
    source.write_bytes(b"\xef\xbb\xbf" + json.dumps(document).encode())
    assert filter_coco(source, target, {1}, places=[2, 3]) == (3, 2, 5, 1, 5)
    del document["images"][2:4], document["annotations"][1]
    assert target.read_bytes() == json.dumps(document).encode()


def test_a_file_with_other_images_than_those_that_stay_is_a_fault(tmp_path):
    source, target = tmp_path / "all.json", tmp_path / "some.json"
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(3)]
    annotations = [{"image_id": i} for i in range(4)]
    source.write_text(json.dumps({"images": images, "annotations": annotations}))
    before = read_images(source)
    filter_coco(source, target, {1})
    check_filtered(target, before, [1], orphans=1)
    for removed, orphans in (([], 1), ([2], 1), ([1], 0)):
        with pytest.raises(StoreError, match="written with other images than those that stay"):
            check_filtered(target, before, removed, orphans)
