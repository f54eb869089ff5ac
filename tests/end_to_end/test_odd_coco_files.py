"""COCO files with something odd in them: audited, and cleaned by, as a user does it."""

import json
import shutil
import unicodedata

import pytest

from fastphash.files import parquet
from tests.support.command_line import FAILED, error_of, run, too_wide
from tests.support.examples import slow_but
from tests.support.scenes import save, scene

NAMES = ["im0.png", "im0_copy.png", "im1.png", "im1_copy.png", "im2.png", "im2_copy.png", "im3.png"]
BOX = [10, 10, 20, 20]


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd") / "train"
    for i in range(4):
        save(folder / f"im{i}.png", scene(i))
        if i < 3:
            shutil.copy(folder / f"im{i}.png", folder / f"im{i}_copy.png")
    return folder


@pytest.fixture
def data(train, tmp_path):
    (tmp_path / "train").symlink_to(train)
    return tmp_path


def document():
    annotation = {"category_id": 1, "bbox": BOX, "area": 400, "iscrowd": 0}
    return {
        "images": [{"id": i, "file_name": name} for i, name in enumerate(NAMES, 1)],
        "annotations": [annotation | {"id": i, "image_id": i} for i in range(1, len(NAMES) + 1)],
        "categories": [{"id": 1, "name": "car"}],
    }


def write(data, contents, mark=b""):
    (data / "train.json").write_bytes(mark + json.dumps(contents).encode())


def audit(data, *words, **options):
    words = ("train=train", "--coco", "train=train.json", "-o", "o", *words)
    return run("audit", *words, cwd=data, **options)


def clean(data, *words, **options):
    run("clean", "o", cwd=data)
    return run("clean", "o", *words, "--apply", cwd=data, **options)


def rejected(data):
    table = parquet.read_table(data / "o" / "rejected_annotations.parquet").to_pylist()
    return [(row["array"], row["position"], row["reason"]) for row in table]


def conflicts(data):
    return parquet.read_table(data / "o" / "conflicts.parquet").num_rows


ODD_ANNOTATIONS = {
    "NaN": ({"bbox": [10, 10, float("nan"), 50]}, "no bbox: [10, 10, nan, 50]", 1),
    "infinite": ({"bbox": [10, 10, float("inf"), 50]}, "no bbox: [10, 10, inf, 50]", 1),
    "null": ({"bbox": None}, "no bbox: None", 1),
    "five numbers": ({"bbox": [*BOX, 0.3]}, "no bbox: [10, 10, 20, 20, 0.3]", 1),
    "three numbers": ({"bbox": BOX[:3]}, "no bbox: [10, 10, 20]", 1),
    "negative": ({"bbox": [30, 10, -20, 20]}, "bbox of negative size: [30, 10, -20, 20]", 0),
    "category elsewhere": ({"category_id": 9}, "no category has the id 9", 1),
    "no runs": ({"segmentation": {}}, "no segmentation, size is not", 0),
    "text": ({"bbox": "10,10,20,20"}, "no bbox: '10,10,20,20'", 1),
    "category null": ({"category_id": None}, "no category_id: None", 1),
    "category list": ({"category_id": [1]}, "no category_id: [1]", 1),
    # the box is as it should be: no conflict
    "polygon of 7": ({"segmentation": [[1, 1, 7, 1, 7, 6, 1]]}, "no polygon: [1, 1, 7, 1,", 0),
    "polygon with text": ({"segmentation": [[1, 1, "7", 1, 7, 6]]}, "no polygon: [1, 1, '7'", 0),
    "mask by name": ({"segmentation": "mask.png"}, "no segmentation: 'mask.png'", 0),
    "image elsewhere": ({"image_id": 99}, "no image has the id 99", 1),
    "image null": ({"image_id": None}, "no image_id (a number or a text): None", 1),
}


@pytest.mark.parametrize("name", slow_but(list(ODD_ANNOTATIONS)[:4], ODD_ANNOTATIONS))
def test_one_odd_annotation_costs_itself(data, name):
    odd, reason, expected_conflicts = ODD_ANNOTATIONS[name]
    contents = document()
    contents["annotations"][0] |= odd
    write(data, contents)
    shown = audit(data).stdout
    assert "1 entry of COCO files can't be used" in shown
    assert reason[:12] in shown
    assert too_wide(shown) == []
    (row,) = rejected(data)
    assert row[:2] == ("annotations", 0)
    assert row[2].startswith(reason)
    assert conflicts(data) == expected_conflicts
    summary = json.loads((data / "o" / "summary.json").read_text())
    assert summary["labels"]["coco"]["rejected"] == {"train": 1}
    assert summary["files"]["rejected_annotations"] == "rejected_annotations.parquet"
    assert summary["groups"]["groups"] == 3
    assert 'id="unusable"' in (data / "o" / "report.html").read_text()


def test_files_that_are_odd_as_a_whole_and_still_good(data):
    write(data, document(), mark=b"\xef\xbb\xbf")
    audit(data)
    assert (rejected(data), conflicts(data)) == ([], 0)
    clean(data)
    assert json.loads((data / "o/clean/train.json").read_bytes())["images"]
    for contents, reason in (
        (document() | {"annotations": None}, "the file has none"),
        ({"images": document()["images"]}, "the file has none"),
    ):
        write(data, contents)
        audit(data)
        (row,) = rejected(data)
        assert row[:2] == ("annotations", -1)
        assert row[2].startswith(reason)
        assert conflicts(data) == 0


def test_images_by_url_twice_or_without_a_name(data):
    contents = document()
    for image in contents["images"]:
        image["coco_url"] = f"http://images.example.org/train/{image.pop('file_name')}"
    write(data, contents)
    audit(data)
    assert (rejected(data), conflicts(data)) == ([], 0)
    contents["images"] += [contents["images"][2], {"id": 50}, None]
    write(data, contents)
    audit(data)
    assert rejected(data) == [
        ("images", 7, "it has the id of images[2]"),
        ("images", 8, "no file_name: None"),
        ("images", 9, "no object: None"),
    ]
    clean(data)
    kept = json.loads((data / "o/clean/train.json").read_bytes())
    listed = (data / "o/clean/train.txt").read_text().split()
    named = [image["coco_url"] for image in kept["images"] if image and "coco_url" in image]
    assert {url.rpartition("/")[2] for url in named} == set(listed)
    assert {one["image_id"] for one in kept["annotations"]} < {i["id"] for i in kept["images"][:-1]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it ends too early"),
        ("[]", "its top level is no object"),
        ('{"annotations": []}', "it has no array 'images'"),
        ('{"images": []', "it ends too early"),
        ('{"images": [], "annotations": 5}', "its 'annotations' is no array"),
    ],
)
def test_a_file_that_is_no_coco_file_is_said_before_hashing(data, text, said):
    (data / "train.json").write_text(text)
    assert said in error_of(audit(data, status=FAILED))
    assert not (data / "o").exists()


def decomposed(name):
    return unicodedata.normalize("NFD", name.replace("im", "é"))


SPELLINGS = {
    "case": str.upper,
    "URL": "https://bucket.example.org/x/{}?sv=2&sig=ab%2F".format,
    "file URL": "file:///data/train/{}#1".format,
    "dots and backslashes": ".\\{}".format,
    "percent": lambda name: name.replace("_", "%5F").replace(".", "%2E"),
}


def applied(data, *words):
    """Paths in the list and names in the COCO file, after `clean`, and what it said."""
    found = clean(data, *words, "--json")
    kept = json.loads((data / "o/clean/train.json").read_text())
    ids = [image["id"] for image in kept["images"]]
    assert [one["image_id"] for one in kept["annotations"]] == ids
    listed = (data / "o/clean/train.txt").read_text().split()
    return sorted(listed), [NAMES[int(key) - 1] for key in ids], json.loads(found.stdout)["coco"]


@pytest.mark.parametrize("spelling", slow_but(["URL", "percent"], SPELLINGS))
def test_other_spellings_of_names_match(data, spelling):
    contents = document()
    for image in contents["images"]:
        image["file_name"] = SPELLINGS[spelling](image["file_name"])
    write(data, contents)
    shown = " ".join(audit(data).stdout.split())
    listed, named, counts = applied(data)
    assert listed == named
    assert len(listed) == 4
    exact = spelling == "dots and backslashes"
    assert ("train: 7 names are spelled otherwise" in shown) == (not exact)
    assert counts["train"] == {
        "images": 4,
        "annotations": 4,
        "annotations_gone": 3,
        "inexact": 0 if exact else 7,
        "unknown": 0,
        "unhashed": 0,
        "orphans": 0,
    }


@pytest.mark.parametrize(("on_disk", "in_file"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_other_unicode_forms_match(tmp_path, on_disk, in_file):
    names = ["café.png", "naïve.png", "Ü1.png", "z café.png"]
    for i, name in enumerate(names):
        save(tmp_path / "train" / unicodedata.normalize(on_disk, name), scene(i % 3))
    images = [
        {"id": i, "file_name": unicodedata.normalize(in_file, name)} for i, name in enumerate(names)
    ]
    write(tmp_path, {"images": images, "annotations": []})
    audit(tmp_path)
    clean(tmp_path)
    kept = json.loads((tmp_path / "o/clean/train.json").read_text())["images"]
    listed = (tmp_path / "o/clean/train.txt").read_text().splitlines()
    assert len(kept) == 3
    assert {unicodedata.normalize("NFC", image["file_name"]) for image in kept} == {
        unicodedata.normalize("NFC", name) for name in listed
    }


ID_KINDS = [(float, str), ("{:012d}".format, int), (int, str), (str, int), (int, "{:04d}".format)]


@pytest.mark.parametrize(("image_id", "annotation_id"), slow_but(ID_KINDS[:2], ID_KINDS, number=2))
def test_ids_as_texts_and_numbers_match(data, image_id, annotation_id):
    contents = document()
    for image in contents["images"]:
        image["id"] = image_id(image["id"])
    for annotation in contents["annotations"]:
        annotation["image_id"] = annotation_id(annotation["image_id"])
    write(data, contents)
    shown = " ".join(audit(data).stdout.split())
    assert (rejected(data), conflicts(data)) == ([], 0)
    assert "7 annotations have the id of an image as a text instead of a number" in shown
    clean(data)
    kept = json.loads((data / "o/clean/train.json").read_text())
    assert len(kept["images"]) == len(kept["annotations"]) == 4
    assert [int(i["id"]) for i in kept["images"]] == [
        int(a["image_id"]) for a in kept["annotations"]
    ]


@pytest.mark.parametrize(
    "words", [(), ("tree", "--to", "copy"), ("aside", "--to", "move")], ids=["list", "tree", "move"]
)
def test_names_that_match_nothing_are_refused_before_anything_is_done(data, words):
    contents = document()
    for i, image in enumerate(contents["images"]):
        image["file_name"] = f"{i:06d}.png"
    write(data, contents)
    shown = " ".join(audit(data).stdout.split())
    assert "train: 7 of its images are not in the split" in shown
    assert "train: the first that matches none is 000000.png" in shown
    assert rejected(data) == [("images", i, "no hashed image has this name") for i in range(7)]
    said = error_of(clean(data, *words, status=FAILED))
    assert "7 images in it, images[0] '000000.png' first, match no file of the split" in said
    assert "3 files that would go, 'im0_copy.png' first, match no image in it" in said
    assert "Write file names in it as they are below the split's folder" in said
    assert not (data / "o/clean/train.json").exists()
    assert not (data / "o/clean/train.txt").exists()
    assert not (data / "tree").exists()
    assert not (data / "aside").exists()
    assert sorted(path.name for path in (data / "train").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", slow_but([7, ""], [7, None, "", ["im0_copy.png"], {}]))
def test_names_that_cannot_be_used_are_refused_if_a_file_without_a_name_goes(data, name):
    contents = document()
    contents["images"][1]["file_name"] = name
    write(data, contents)
    audit(data)
    said = error_of(clean(data, status=FAILED))
    assert "1 image in it, images[1] (without a name that can be used) first" in said
    assert "1 file that would go, 'im0_copy.png' first" in said
    assert not (data / "o/clean/train.json").exists()
    assert not (data / "o/clean/train.txt").exists()


@pytest.mark.parametrize("entry", slow_but([None], [None, "im0_copy.png", []]))
def test_images_that_are_no_objects(data, entry):
    """Refused if a file that goes may be that image; else annotations without one are counted."""
    contents = document()
    contents["images"][1] = entry
    write(data, contents)
    audit(data)
    assert "images[1] (without a name that can be used)" in error_of(clean(data, status=FAILED))
    contents = document()
    contents["images"][6] = entry
    write(data, contents)
    audit(data)
    shown = " ".join(clean(data).stdout.split())
    assert "train: 1 image is not in the split: kept in the file" in shown
    assert "train: 1 label is of no image in the file" in shown
    found = json.loads(clean(data, "--overwrite", "--json").stdout)["coco"]["train"]
    assert (found["images"], found["unknown"], found["orphans"]) == (4, 1, 1)


def test_names_that_fit_two_files_are_refused_if_one_goes(data, tmp_path):
    (tmp_path / "train").unlink()
    for folder in ("a", "b"):
        save(tmp_path / "train" / folder / "IM0.png", scene(0))
    write(data, {"images": [{"id": 1, "file_name": "im0.PNG"}], "annotations": []})
    audit(data, "--no-class-folders")
    (row,) = rejected(data)
    assert row[:2] == ("images", 0)
    assert row[2].startswith("several hashed images may have this name")
    said = error_of(clean(data, status=FAILED))
    assert "can't tell whether 'im0.PNG' goes: it may be 'a/IM0.png', 'b/IM0.png'" in said


def test_images_of_other_files_stay_in_the_file_and_are_counted(data, tmp_path):
    (tmp_path / "train").unlink()
    for i, name in enumerate(NAMES):
        save(tmp_path / "train" / name, scene(i // 2))
    (tmp_path / "train" / "broken.png").write_text("no image")
    contents = document()
    further = [{"id": 50, "file_name": "broken.png"}, {"id": 51, "file_name": "elsewhere.png"}]
    contents["images"] += further
    write(data, contents)
    audit(data)
    shown = " ".join(clean(data).stdout.split())
    assert "train: 1 image is not in the split: kept in the file, but in no list" in shown
    assert "train: 1 image is without a hash: kept in the file, but in no list" in shown
    kept = json.loads((data / "o/clean/train.json").read_text())["images"]
    assert kept[-2:] == further
    assert len(kept) == 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["11-coco-one-bad-annotation", "12-coco-unmatched"])
def test_the_files_of_the_cases(shared, tmp_path, name):
    folder = shared / "cases" / name
    files = sorted(folder.glob("*.json"))
    assert files
    for path in files:
        images = folder / ("d" if path.name == "c.json" else "train")
        out = tmp_path / path.stem
        run("audit", f"train={images}", "--coco", f"train={path}", "-o", str(out))
        run("clean", str(out))
        run("clean", str(out), "--apply")
        kept = json.loads((out / "clean/train.json").read_text())
        listed = (out / "clean/train.txt").read_text().splitlines()
        assert len({image["id"] for image in kept["images"]}) == len(listed)
        ids = {image["id"] for image in kept["images"]}
        assert {one["image_id"] for one in kept["annotations"] or ()} <= ids
