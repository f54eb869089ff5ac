"""Labels of single images in tar and zip files are compared as those beside loose files are."""

import itertools
import json
import tarfile
import zipfile

import pytest

from fastphash.files import parquet
from fastphash.sources.containers.format import LARGE
from tests.support.command_line import run, too_wide
from tests.support.containers import make_deflated_zip, make_tar, make_tar_gz, make_zip
from tests.support.examples import slow_but
from tests.support.scenes import save, scene

BOX, ELSEWHERE = b"0 0.5 0.5 0.2 0.2\n", b"0 0.2 0.2 0.2 0.2\n"
# with the picture in it, as LabelMe writes it
LABELME = b'{"shapes": [{"label": "car", "points": [[%%d, 1], [9, 9]]}], "imageData": "%s"}' % (
    b"A" * LARGE
)
VOC = b"<annotation><object><name>%s</name></object></annotation>"
# by format: ending, a label, and another one
FORMS = {
    "cls": (".cls", b"7\n", b"8"),
    "yolo": (".txt", BOX, ELSEWHERE),
    "labelme": (".json", LABELME % 1, LABELME % 8),
    "voc": (".xml", VOC % b"car", VOC % b"dog"),
}
MAKERS = {"tar": make_tar, "zip": make_zip, "deflated.zip": make_deflated_zip}

PLACES = (("images", "png"), ("labels", "txt"))


def members_of(path):
    if path.suffix == ".zip":
        return sorted(zipfile.ZipFile(path).namelist())
    with tarfile.open(path) as tar:
        return sorted(tar.getnames())


def packed(folder, make, split, labels, ending, place="", images=""):
    """A container of images, each with a label or None; those of other splits are their copies."""
    files = []
    for number, label in enumerate(labels):
        save(folder / "made" / f"{number}.png", scene(number))
        data = (folder / "made" / f"{number}.png").read_bytes()
        members = [(f"{images}{number}.png", data), (f"{place}{number}{ending}", label)]
        files += members if label is not None else members[:1]
    make(folder / split, files)


def audited(folder, *words):
    words = ["audit", *words, "-o", "out", "--radius", "0"]
    shown = run(*words, cwd=folder).stdout
    assert too_wide(shown) == []
    rows = parquet.read_table(folder / "out" / "conflicts.parquet").to_pylist()
    found = [(row["path"], row["keeper_path"], row["source"]) for row in rows]
    return sorted(found), " ".join(shown.split())


# each format once in the fast run, and each container
@pytest.mark.parametrize(
    ("form", "ending"),
    slow_but(
        [*zip(FORMS, itertools.cycle(MAKERS), strict=False)],
        [*itertools.product(FORMS, MAKERS)],
        number=2,
    ),
)
def test_conflicts_of_samples(tmp_path, form, ending):
    suffix, label, other = FORMS[form]
    packed(tmp_path, MAKERS[ending], f"train.{ending}", [label, other, None, label], suffix)
    packed(tmp_path, MAKERS[ending], f"val.{ending}", [label] * 4, suffix)
    found, shown = audited(tmp_path, f"train=train.{ending}", f"val=val.{ending}")
    assert found == [(f"train.{ending}::1.png", f"val.{ending}::1.png", form)]
    assert "train: " in shown
    assert "3 files" in shown
    plan = json.loads(run("clean", "out", "--json", cwd=tmp_path).stdout)
    assert plan["disagreements"] == {"annotations": 1}
    assert plan["splits"]["train"]["remove"] == 3


def test_labels_in_folders_of_a_container_and_names_beside_it(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [car]")
    for split, second in (("train", ELSEWHERE), ("val", BOX)):
        labels = [BOX, second]
        packed(tmp_path, make_zip, f"{split}.zip", labels, ".txt", "x/labels/a/", "x/images/a/")
    found, shown = audited(tmp_path, "train.zip", "val.zip")
    assert found == [("train.zip::x/images/a/1.png", "val.zip::x/images/a/1.png", "yolo")]
    assert "without names" not in shown


def test_classes_of_loose_files_are_compared_with_those_in_containers(tmp_path):
    packed(tmp_path, make_tar, "val.tar", [b"cat", b"dog", b"cat"], ".cls")
    for number, name in enumerate(["cat", "cat", "cat\ndog"]):
        save(tmp_path / "train" / f"{number}.png", scene(number))
        (tmp_path / "train" / f"{number}.cls").write_text(name)
    found, shown = audited(tmp_path, "train", "val.tar")
    assert [path for path, *_ in found] == ["1.png", "2.png"]
    assert "no class in one line: 'cat\\ndog'" in shown
    rejected = parquet.read_table(tmp_path / "out" / "rejected_annotations.parquet").to_pylist()
    assert [row["file_name"] for row in rejected] == ["2.cls"]
    # numbers say nothing of names
    packed(tmp_path, make_tar, "val.tar", [b"1", b"2", b"3"], ".cls")
    assert audited(tmp_path, "train", "val.tar")[0] == []


def test_what_does_not_count(tmp_path):
    for split, label in (("train", b"1"), ("val", b"2")):
        packed(tmp_path, make_tar_gz, f"{split}.tar.gz", [label] * 3, ".cls")
    run("audit", "train.tar.gz", "val.tar.gz", "-o", "out", cwd=tmp_path)
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["labels"] == {}


@pytest.mark.parametrize("ending", ["tar", "zip"])
def test_labels_in_folders_of_a_container_go_with_their_images(tmp_path, ending):
    places = {"place": "labels/", "images": "images/"}
    for split, labels in (("train", [BOX, BOX, BOX]), ("val", [BOX])):
        packed(tmp_path, MAKERS[ending], f"{split}.{ending}", labels, ".txt", **places)
    audited(tmp_path, f"train=train.{ending}", f"val=val.{ending}")
    run("clean", "out", cwd=tmp_path)
    run("clean", "out", "tree", "--apply", "--to", "copy", cwd=tmp_path)
    left = members_of(tmp_path / f"tree/train/train.{ending}")
    assert left == [f"{folder}/{n}.{end}" for folder, end in PLACES for n in (1, 2)]
