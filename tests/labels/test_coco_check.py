"""Entries of COCO files that can't be used: each is named, and costs only itself."""

import json
import random

import pytest

from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.labels.coco_check import REJECTED_ANNOTATIONS_SCHEMA, check_coco, rejected_table

IMAGES = [{"id": i, "file_name": f"{i}.jpg"} for i in (1, 2)]
GOOD = {"id": 5, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}


def lines(path, *, images=(), annotations=(), categories=()):
    document = {
        "images": [*IMAGES, *images],
        "annotations": [GOOD, *annotations, GOOD],
        "categories": [{"id": 1, "name": "cat"}, *categories],
    }
    path.write_text(json.dumps(document))
    return [str(entry) for entry in check_coco(path).rejected]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "train.json"


def test_good_entries_are_not_named(path):
    good = [
        {"image_id": "2", "category_id": "1", "bbox": [0, 0, 0, 0], "segmentation": []},
        {"image_id": 2.0, "caption": "a cat", "segmentation": None},
        {
            "image_id": 2,
            "category_id": 1,
            "iscrowd": 1,
            "segmentation": {"counts": [2, 4], "size": [2, 3]},
        },
        {"image_id": 2, "category_id": 1, "segmentation": {"counts": "06", "size": [3, 2]}},
        {"image_id": 2, "segments_info": [{"category_id": 1, "bbox": [1, 2, 3, 4]}]},
        {"image_id": 2, "keypoints": [1, 2, 3], "area": "large"},
    ]
    assert lines(path, annotations=good) == []
    checked = check_coco(path)
    assert checked.other_ids == 1


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ({"file_name": "3.jpg"}, "images[2] (file_name 3.jpg): no id (a number or a text): None"),
        ({"id": None, "file_name": "3.jpg"}, "images[2] (file_name 3.jpg): no id"),
        ({"id": [3], "file_name": "3.jpg"}, "images[2] (id [3], file_name 3.jpg): no id"),
        ({"id": 3}, "images[2] (id 3): no file_name: None"),
        ({"id": 3, "file_name": 3}, "images[2] (id 3, file_name 3): no file_name: 3"),
        (IMAGES[0], "images[2] (id 1, file_name 1.jpg): it has the id of images[0]"),
        ({"id": 1, "file_name": "x"}, "images[2] (id 1, file_name x): it has the id of images[0]"),
        ("3.jpg", "images[2]: no object: '3.jpg'"),
        (None, "images[2]: no object: None"),
    ],
)
def test_odd_images(path, image, said):
    (line,) = lines(path, images=[image])
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (None, "annotations[1]: no object: None"),
        ([1, 2, 3, 4], "annotations[1]: no object: [1, 2, 3, 4]"),
        ({"id": 7}, "annotations[1] (id 7): no image_id (a number or a text): None"),
        ({"image_id": [1]}, "annotations[1] (image_id [1]): no image_id"),
        ({"image_id": 77}, "annotations[1] (image_id 77): no image has the id 77"),
        ({"image_id": "a"}, "annotations[1] (image_id a): no image has the id 'a'"),
        (GOOD | {"bbox": None}, "annotations[1] (id 5, image_id 1): no bbox: None"),
        (
            GOOD | {"bbox": [0], "segmentation": [[1]]},
            "annotations[1] (id 5, image_id 1): no polygon: [1]; no bbox: [0]",
        ),
        (
            {"image_id": 1, "segments_info": [{"bbox": [0]}, {"bbox": [1, 2, 3, 4]}, 5]},
            "annotations[1] (image_id 1): no bbox: [0]; is no object: 5",
        ),
    ],
)
def test_odd_annotations(path, annotation, said):
    (line,) = lines(path, annotations=[annotation])
    assert line.startswith(said)


RUNS = {"counts": [2, 4], "size": [2, 3]}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({}, "no segmentation, size is not [height, width]: {}"),
        (RUNS | {"size": None}, "no segmentation, size is not [height, width]"),
        (RUNS | {"size": [2, -3]}, "no segmentation, size is not [height, width]"),
        (RUNS | {"counts": None}, "no segmentation, counts are no lengths of runs"),
        (RUNS | {"counts": [7, -1]}, "no segmentation, counts are no lengths of runs"),
        (RUNS | {"counts": [2.5, 3.5]}, "no segmentation, counts are no lengths of runs"),
        (RUNS | {"counts": "\u00e9"}, "no segmentation, counts are no lengths of runs"),
        (RUNS | {"counts": "P"}, "no segmentation, counts are no lengths of runs"),
        (RUNS | {"counts": ""}, "no segmentation, counts are no lengths of runs"),
        (RUNS | {"counts": "0" + "P" * 8 + "0"}, "no segmentation, counts are no lengths of runs"),
        (RUNS | {"counts": [2, 3]}, "no segmentation, counts of 5 pixels for a size of 2 x 3"),
        (RUNS | {"counts": "05"}, "no segmentation, counts of 5 pixels for a size of 2 x 3"),
    ],
)
@pytest.mark.parametrize("box", [{}, {"bbox": [1, 2, 3, 4]}])
def test_broken_run_lengths(path, odd, reason, box):
    annotation = {"image_id": 1, "category_id": 1, "segmentation": odd, "iscrowd": 1} | box
    (line,) = lines(path, annotations=[annotation])
    assert line.startswith(f"annotations[1] (image_id 1): {reason}")


def encoded(runs):
    """Lengths of runs as the COCO API writes them."""
    text = ""
    for i, run in enumerate(runs):
        value, more = run - (runs[i - 2] if i > 2 else 0), True
        while more:
            code, value = value & 31, value >> 5
            more = value != (-1 if code & 16 else 0)
            text += chr(code + 32 * more + 48)
    return text


def test_texts_of_run_lengths_are_read_as_the_coco_api_writes_them(path):
    rng = random.Random(3)
    good = []
    for _ in range(50):
        runs = [rng.choice([0, 1, 15, 16, 500, 70_000]) for _ in range(rng.randint(1, 30))]
        runs.append(-sum(runs) % 10)
        whole = {"counts": encoded(runs), "size": [10, sum(runs) // 10]}
        good.append({"image_id": 1, "category_id": 1, "segmentation": whole})
    assert lines(path, annotations=good) == []


@pytest.mark.parametrize("box", [[1, 2, -3, 4], [1, 2, 3, -0.5], [9, 9, -3, -4]])
def test_boxes_of_negative_size(path, box):
    (line,) = lines(path, annotations=[GOOD | {"bbox": box}])
    assert line == f"annotations[1] (id 5, image_id 1): bbox of negative size: {box}"


@pytest.mark.parametrize("key", [7, "dog", -1, 1.5])
@pytest.mark.parametrize("panoptic", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_categories_that_the_file_lacks(path, key, panoptic, first):
    one = {"category_id": key, "bbox": [1, 2, 3, 4]}
    odd = {"image_id": 1, "segments_info": [GOOD, one]} if panoptic else one | {"image_id": 1}
    names = {"categories": [{"id": 1, "name": "cat"}]}
    rest = {"images": IMAGES, "annotations": [GOOD, odd, GOOD | {"category_id": "1"}]}
    path.write_text(json.dumps(names | rest if first else rest | names))
    (entry,) = check_coco(path).rejected
    assert str(entry) == f"annotations[1] (image_id 1): no category has the id {key!r}"
    # a file that lists none lacks none
    path.write_text(json.dumps(rest | {"categories": []}))
    assert check_coco(path).rejected == []


def test_odd_categories(path):
    found = lines(path, categories=[{"name": "dog"}, 7, {"id": None, "name": "cow"}])
    assert found == [
        "categories[1]: no id (a number or a text): None",
        "categories[2]: no object: 7",
        "categories[3]: no id (a number or a text): None",
    ]


@pytest.mark.parametrize("rest", ["", ', "annotations": null'])
def test_a_file_without_annotations_says_so(path, rest):
    path.write_text(f'{{"images": []{rest}}}')
    (entry,) = check_coco(path).rejected
    assert str(entry).startswith("annotations: the file has none")


def test_numbers_and_levels_that_python_cannot_hold(path):
    path.write_text(
        f'{{"images": [{{"id": {"1" * 5000}, "file_name": "a"}}, {{"id": 2, "file_name": "b"}}], '
        f'"annotations": [{{"image_id": 2, "bbox": [1, 2, 3, {"4" * 5000}]}}, {{"image_id": 2}}]}}'
    )
    image, annotation = check_coco(path).rejected
    assert (image.array, image.position) == ("images", 0)
    assert (annotation.array, annotation.position) == ("annotations", 0)
    assert "Exceeds the limit" in image.reason
    assert "Exceeds the limit" in annotation.reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("[]", "its top level is no object"),
        ("{}", "it has no array 'images'"),
        ('{"images": null, "annotations": []}', "it has no array 'images'"),
        ('{"images": {}}', "its 'images' is no array"),
        ('{"images": [], "annotations": {}}', "its 'annotations' is no array"),
        ('{"images": [], "annotations": [}', "not JSON"),
    ],
)
def test_a_file_that_is_none_is_an_error(path, text, message):
    path.write_text(text)
    with pytest.raises(StoreError, match=message) as caught:
        check_coco(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_table_holds_names_of_any_bytes(path, tmp_path):
    path.write_text('{"images": [{"id": null, "file_name": "\\udcff\\u202e"}], "annotations": []}')
    table = rejected_table({"train": check_coco(path).rejected})
    assert table.schema == REJECTED_ANNOTATIONS_SCHEMA
    parquet.write_table(tmp_path / "rejected.parquet", table)
    (row,) = parquet.read_table(tmp_path / "rejected.parquet").to_pylist()
    assert row == {
        "split": "train",
        "array": "images",
        "position": 0,
        "id": None,
        "image_id": None,
        "file_name": "\\xff\\u202e",
        "reason": "no id (a number or a text): None",
    }
    assert rejected_table({}).num_rows == 0


def test_whatever_stands_in_an_entry_it_is_named_and_no_error(path):
    rng = random.Random(17)
    odd = [None, True, 0, -1, 1e300, float("nan"), "", "x", [], [None], {}, {"a": []}, [[1, [2]]]]
    for _ in range(300):
        entry = GOOD | {
            rng.choice([*GOOD, "segmentation", "segments_info", "iscrowd"]): rng.choice(odd)
            for _ in range(rng.randint(1, 3))
        }
        for line in lines(path, annotations=[entry], images=[rng.choice(odd)]):
            assert "\n" not in line
            assert line.startswith(("images[2]", "annotations[1]"))
