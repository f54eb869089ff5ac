"""The original stays, and no labels are lost: audited and cleaned as a user does it."""

import json

import numpy as np
import pytest
from PIL import Image

from fastphash.files import parquet
from tests.support.command_line import FAILED, error_of, run, too_wide
from tests.support.examples import slow_but
from tests.support.scenes import save, scene


def coco(path, names, annotated):
    """A COCO file of these images; the annotated ones have one box."""
    document = {
        "images": [{"id": i, "file_name": name} for i, name in enumerate(names)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [4, 4, 20, 20]}
            for i, name in enumerate(names)
            if name in annotated
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    path.write_text(json.dumps(document))


def cleaned(folder, *words):
    """Audit, plan, apply: what the plan says, and the names that stay by split."""
    run("audit", *words, "-o", "out", cwd=folder)
    shown = run("clean", "out", cwd=folder).stdout
    assert too_wide(shown) == []
    run("clean", "out", "--apply", cwd=folder)
    lists = (folder / "out" / "clean").glob("*.txt")
    return shown, {path.stem: path.read_text().splitlines() for path in lists}


def written(folder, split):
    kept = json.loads((folder / "out" / "clean" / f"{split}.json").read_text())
    return len(kept["images"]), len(kept["annotations"])


# what is annotated stays


def large_and_small(folder):
    """Three pictures, large ones and, saved at half their size, labelled ones."""
    for i in range(3):
        large = Image.fromarray(scene(i, 480, 640))
        save(folder / f"raw{i}.jpg", np.asarray(large), quality=95)
        save(folder / f"labelled{i}.jpg", np.asarray(large.resize((320, 240))), quality=90)
    return [f"labelled{i}.jpg" for i in range(3)], [f"raw{i}.jpg" for i in range(3)]


@pytest.mark.parametrize("raw_listed", [True, False])
def test_small_images_with_annotations_stay(tmp_path, raw_listed):
    labelled, raw = large_and_small(tmp_path / "train")
    coco(tmp_path / "train.json", labelled + raw * raw_listed, labelled)
    shown, stay = cleaned(tmp_path, "train=train", "--coco", "train=train.json")
    assert stay == {"train": labelled}
    assert "annotated: 3" in shown
    assert written(tmp_path, "train") == (3, 3)


def test_annotations_of_train_stay_where_val_lists_the_image_without(tmp_path):
    labelled, raw = large_and_small(tmp_path / "train")
    (tmp_path / "val").mkdir()
    for name in raw:
        (tmp_path / "train" / name).rename(tmp_path / "val" / name)
    coco(tmp_path / "train.json", labelled, labelled)
    coco(tmp_path / "val.json", raw, [])
    files = ["--coco", "train=train.json", "--coco", "val=val.json"]
    shown, stay = cleaned(tmp_path, "train=train", "val=val", *files)
    assert stay == {"train": labelled, "val": raw}
    assert "3 with annotations, which the image that has priority lacks" in shown
    assert written(tmp_path, "train") == (3, 3)


def test_a_split_of_raw_images_goes_for_the_labelled_one(tmp_path):
    labelled, raw = large_and_small(tmp_path / "labelled")
    save(tmp_path / "labelled" / "more.png", scene(7))
    (tmp_path / "pool").mkdir()
    for name in raw:
        (tmp_path / "labelled" / name).rename(tmp_path / "pool" / name)
    coco(tmp_path / "labels.json", [*labelled, "more.png"], labelled)
    words = ["labelled=labelled", "pool=pool", "--coco", "labelled=labels.json"]
    shown, stay = cleaned(tmp_path, *words)
    assert stay == {"labelled": [*labelled, "more.png"], "pool": []}
    assert "pool would lose all of its 3 images" in shown


# copies of different classes stay


def two_classes(folder, other):
    for i in range(4):
        save(folder / "s" / "turn_left" / f"{i}.png", scene(i))
        save(folder / "s" / "turn_right" / f"{i + 4}.png", other(scene(i)))


@pytest.mark.parametrize(
    "other",
    [lambda a: a[:, ::-1], lambda a: np.rot90(a, 2), lambda a: a],
    ids=["mirrored", "upside down", "the same"],
)
def test_no_class_is_lost(tmp_path, other):
    two_classes(tmp_path, other)
    shown, stay = cleaned(tmp_path, "s=s")
    assert len(stay["s"]) == 8
    assert "4 in another class folder; --conflicts drop lets them go" in shown
    assert "s/turn_right/4.png, a copy of s/turn_left/0.png" in shown
    dropped = run("clean", "out", "--conflicts", "drop", cwd=tmp_path).stdout
    assert "class turn_right of s would lose all of its 4 images" in dropped
    assert too_wide(dropped) == []
    found = json.loads(run("clean", "out", "--conflicts", "drop", "--json", cwd=tmp_path).stdout)
    assert found["splits"]["s"]["remove"] == 4
    assert found["emptied"] == [{"split": "s", "what": "class", "name": "turn_right", "images": 4}]


def beside(data):
    save(data / "s" / "preview.png", scene(99))
    return ["s=s"]


def deeper(data):
    (data / "s").rename(data / "images")
    (data / "s").mkdir()
    (data / "images").rename(data / "s" / "images")
    return ["s=s"]


def with_a_flat_split(data):
    save(data / "test" / "x.png", scene(98))
    return ["s=s", "test=test"]


def with_a_split_of_one_folder(data):
    save(data / "test" / "images" / "x.png", scene(98))
    return ["s=s", "test=test"]


def split_folders_in_one_root(data):
    (data / "root").mkdir()
    (data / "s").rename(data / "root" / "train")
    save(data / "root" / "val" / "turn_left" / "x.png", scene(98))
    return ["root=root"]


@pytest.mark.parametrize(
    "lay_out",
    slow_but(
        [deeper, with_a_split_of_one_folder],
        [beside, deeper, with_a_flat_split, with_a_split_of_one_folder, split_folders_in_one_root],
    ),
)
def test_no_class_is_lost_wherever_its_folder_lies(tmp_path, lay_out):
    two_classes(tmp_path, lambda a: a[:, ::-1])
    run("audit", *lay_out(tmp_path), "-o", "out", cwd=tmp_path)
    shown = run("clean", "out", cwd=tmp_path).stdout
    assert "4 in another class folder" in shown
    plan = parquet.read_table(tmp_path / "out" / "plan.parquet")
    assert set(plan["action"].to_pylist()) == {"keep"}


def test_conflicts_are_for_the_plan(tmp_path):
    two_classes(tmp_path, lambda a: a)
    run("audit", "s=s", "-o", "out", cwd=tmp_path)
    done = run("clean", "out", "--apply", "--conflicts", "drop", cwd=tmp_path, status=2)
    assert "--conflicts are for the plan" in error_of(done)


# the original stays

COPIES = {
    "photo.jpg": ["photo (1).jpg", "photo(2).jpg", "photo~1.jpg"],
    "cat.jpg": ["cat - Copy.jpg", "cat - Copy (2).jpg", "Cat - Kopie.jpg"],
    "dog.jpg": ["Copy of dog.jpg", "dog copy.jpg", "Copia de dog.jpg"],
    "x.jpg": ["._x.jpg", "A_copy.jpg"],
    "bird.jpg": [".ipynb_checkpoints/bird-checkpoint.jpg", "Birds (1)/bird.jpg"],
}


def test_originals_stay_and_the_reason_is_said(tmp_path):
    for i, (name, copies) in enumerate(COPIES.items()):
        for path in [name, *copies]:
            save(tmp_path / "d" / path, scene(i))
    shown, stay = cleaned(tmp_path, "d=d", "--no-class-folders")
    # whether hidden files are looked at is not what this is about
    assert stay == {"d": sorted(COPIES)}
    assert "name without copy mark" in shown
    page = (tmp_path / "out" / "report.html").read_text()
    assert "keeper stays: name without copy mark" in page
    assert "worth keeping" not in page


def test_val_keeps_its_images_and_the_report_says_why(tmp_path):
    for i in range(5):
        save(tmp_path / "val" / f"{i}.png", scene(i))
    for i in range(2):
        save(tmp_path / "train" / f"{i}.png", scene(i, 96, 128))
    shown, stay = cleaned(tmp_path, "train=train", "val=val")
    assert stay == {"train": [], "val": [f"{i}.png" for i in range(5)]}
    assert "val before train: 2" in shown
    assert "train would lose all of its 2 images" in shown
    page = (tmp_path / "out" / "report.html").read_text()
    assert "keeper stays: val before train" in page
    assert "images of val, then of train" in page


def test_tables_name_the_keeper_and_their_distances_are_whole_numbers(tmp_path):
    save(tmp_path / "val" / "a.png", scene(1))
    save(tmp_path / "train" / "b.png", scene(1)[:, ::-1])
    cleaned(tmp_path, "train=train", "val=val")
    groups = parquet.read_table(tmp_path / "out" / "groups.parquet")
    assert [
        (row["keeper_split"], row["keeper_path"], row["keeper_reason"])
        for row in groups.to_pylist()
    ] == [("val", "a.png", None), ("val", "a.png", "val before train")]
    for name in ("groups", "leaks", "plan"):
        assert not parquet.read_table(tmp_path / "out" / f"{name}.parquet")["distance"].null_count


@pytest.mark.parametrize("command", ["report", "clean"])
def test_an_audit_of_an_older_version_is_refused_in_one_line(tmp_path, command):
    save(tmp_path / "s" / "a.png", scene(1))
    save(tmp_path / "s" / "b.png", scene(1))
    run("audit", "s=s", "-o", "out", cwd=tmp_path)
    groups = tmp_path / "out" / "groups.parquet"
    old = parquet.read_table(groups).drop_columns(["keeper_reason"])
    parquet.write_table(groups, old)
    done = run(command, "out", cwd=tmp_path, status=FAILED)
    assert "is of an older version: run it again" in error_of(done)
