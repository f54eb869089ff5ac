"""fastphash clean, and labels, as a user meets them: every command in a process of its own."""

import json
import os
import shutil

import pytest

from fastphash.audits.run import audit
from fastphash.clean.plan import PLAN, make_plan
from fastphash.files import parquet
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from tests.support.command_line import FAILED, USAGE, error_of, run, too_wide
from tests.support.scenes import planted, save, scene, source

STAY = ["000.png", "001.png", "002.png", "flat.png", "flatter.png"]
GO = ["003.png", "004.png", "005.png", "again.png", "other.bmp", "turned.png"]


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A folder with the planted splits train/ and val/, audited into out/, and a plan."""
    folder = tmp_path_factory.mktemp("audited")
    planted(folder)
    run("audit", "train=train", "val=val", "-o", "out", cwd=folder)
    run("clean", "out", cwd=folder)
    return folder


@pytest.fixture
def data(audited, tmp_path):
    """The same at another place, so that it may be changed: audited again there."""
    folder = tmp_path / "data"
    for split in ("train", "val"):
        shutil.copytree(audited / split, folder / split)
    audit(
        folder / "out",
        [source(split, folder / split) for split in ("train", "val")],
        ingest=IngestOptions(workers=1),
    )
    parquet.write_table(folder / "out" / PLAN, make_plan(open_audit(folder / "out")))
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_plan_is_shown_and_touches_nothing(audited):
    before = sorted(map(str, audited.rglob("*.png")))
    shown = run("clean", "out", cwd=audited).stdout
    assert "train 11 5 6 2 2 2" in " ".join(shown.split())
    assert "1 file has no hash: the plan leaves it alone" in shown
    assert too_wide(shown) == []
    assert sorted(map(str, audited.rglob("*.png"))) == before
    found = json.loads(run("clean", "out", "--json", cwd=audited).stdout)
    assert found["splits"]["val"] == {"keep": 5, "remove": 0, "kinds": {}}
    assert found["kinds"] == ["identical", "exact", "augmented"]


def copies_of_a_tiff(folder, copies):
    """A TIFF, which is the keeper, and JPEGs of it, all of the same bytes."""
    save(folder / "original.tif", scene(1, 240, 320))
    for i in range(copies):
        save(folder / f"{i}.jpg", scene(1, 240, 320), quality=90)


def test_audit_and_plan_count_alike_or_say_why_not(tmp_path):
    differs = "counts differ from those of the audit"
    copies_of_a_tiff(tmp_path / "s", 4)
    run("audit", "s", "-o", "alone", cwd=tmp_path)
    summary = json.loads((tmp_path / "alone" / "summary.json").read_text())
    copies = {kind: n for kind, n in summary["splits"]["s"]["copies"].items() if n}
    plan = json.loads(run("clean", "alone", "--kinds", "+near", "--json", cwd=tmp_path).stdout)
    assert plan["splits"]["s"]["kinds"] == copies
    assert copies["identical"] == 3
    assert differs not in run("clean", "alone", cwd=tmp_path).stdout

    copies_of_a_tiff(tmp_path / "val", 0)
    run("audit", "s", "val", "-o", "both", "--radius", "0", cwd=tmp_path)
    shown = " ".join(run("clean", "both", cwd=tmp_path).stdout.split())
    assert f"{differs}: the audit counts copies inside each split, the plan over all" in shown


def test_fewer_kinds_and_other_splits(audited, tmp_path):
    shutil.copytree(audited, tmp_path / "data")
    words = ["clean", "out", "--kinds", "identical", "--keep-in", "train", "--json"]
    found = json.loads(run(*words, cwd=tmp_path / "data").stdout)["splits"]
    assert (found["train"]["remove"], found["val"]["remove"]) == (1, 1)


def test_kinds_that_nothing_can_be_are_not_claimed(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", scene(i))
    run("audit", "images", "-o", "out", "--radius", "0", "--no-thumbnails", cwd=tmp_path)
    kinds = "exact,near,collision,unverified"
    shown = run("clean", "out", "--kinds", kinds, cwd=tmp_path).stdout
    assert "of kinds identical, unverified\n" in shown
    shown = " ".join(shown.split())
    assert "the audit compared equal hashes only, so it has no near copies" in shown


def test_lists_of_what_stays(audited, tmp_path):
    shown = run("clean", "out", str(tmp_path / "a"), "--apply", cwd=audited).stdout
    assert too_wide(shown.replace(str(tmp_path), "FOLDER")) == []
    assert (tmp_path / "a" / "train.txt").read_text().split() == STAY
    run("clean", "out", str(tmp_path / "b"), "--apply", "--absolute", "-0", cwd=audited)
    listed = (tmp_path / "b" / "train.txt").read_bytes().split(b"\0")
    assert listed == [os.fsencode(audited / "train" / name) for name in STAY] + [b""]
    # again: the same is fine, something else is left alone
    run("clean", "out", str(tmp_path / "a"), "--apply", cwd=audited)
    (tmp_path / "a" / "train.txt").write_text("mine")
    done = run("clean", "out", str(tmp_path / "a"), "--apply", cwd=audited, status=USAGE)
    assert "--overwrite" in error_of(done)
    assert (tmp_path / "a" / "train.txt").read_text() == "mine"
    run("clean", "out", str(tmp_path / "a"), "--apply", "--overwrite", cwd=audited)
    assert (tmp_path / "a" / "train.txt").read_text().split() == STAY


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_a_clean_tree(audited, tmp_path, mode):
    words = ["clean", "out", str(tmp_path / "new"), "--apply", "--to", mode]
    run(*words, cwd=audited)
    assert names(tmp_path / "new" / "train") == STAY
    for name in STAY:
        new, old = tmp_path / "new" / "train" / name, audited / "train" / name
        assert new.read_bytes() == old.read_bytes()
        assert new.is_symlink() == (mode == "symlink")
        assert new.samefile(old) == (mode != "copy")
        assert new.stat().st_mtime_ns == old.stat().st_mtime_ns
    assert json.loads(run(*words, "--json", cwd=audited).stdout)["already"] == 10


def test_what_goes_is_moved_and_comes_back(data):
    done = run("clean", "out", "aside", "--apply", "--to", "move", cwd=data)
    assert too_wide(done.stdout) == []
    assert names(data / "aside" / "train") == GO
    assert set(names(data / "train")) == {*STAY, "broken.jpg", "notes.txt"}
    run("clean", "out", "--undo", cwd=data)
    assert not (data / "aside" / "train").exists()
    assert set(names(data / "train")) == {*STAY, *GO, "broken.jpg", "notes.txt"}
    done = run("clean", "out", "--undo", cwd=data, status=USAGE)
    assert "nothing was moved" in error_of(done)


def test_what_is_not_as_planned_is_said(data):
    (data / "train" / "turned.png").unlink()
    (data / "val" / "leak.png").write_bytes(b"other")
    words = ["clean", "out", "aside", "--apply", "--to", "move"]
    shown = run(*words, cwd=data, status=FAILED).stdout
    assert "train/turned.png: not there any more" in shown
    assert "train/003.png: its keeper 'val/leak.png'" in shown
    assert too_wide(shown) == []
    assert parquet.read_table(data / "out" / "skipped.parquet").num_rows == 2
    found = json.loads(run(*words, "--json", cwd=data, status=FAILED).stdout)
    assert found["planned"] == 6 == found["done"] + found["already"] + len(found["skipped"])
    shown = run("clean", "out", "--apply", cwd=data, status=FAILED).stdout
    assert "stay after all" in shown
    assert too_wide(shown) == []


def test_a_plan_older_than_the_audit_or_a_decision_is_refused(data):
    (data / "out" / "decisions.json").write_text('{"version": 1, "decisions": []}')
    done = run("clean", "out", "--apply", cwd=data, status=FAILED)
    assert "plan again" in error_of(done)
    save(data / "train" / "new.png", scene(77))
    run("audit", "train=train", "val=val", "-o", "out", cwd=data)
    done = run("clean", "out", "--apply", cwd=data, status=FAILED)
    assert "plan again" in error_of(done)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["out", "--apply", "--kinds", "near"], "--kinds"),
        (["out", "--undo", "--apply"], "--undo"),
        (["out", "--undo", "--to", "move"], "--undo stands alone"),
        (["out", "--undo", "--overwrite"], "--undo stands alone"),
        (["out", "out", "--apply", "--to", "move"], "holds the audit itself"),
        (["out", "out/hashes/x", "--apply", "--to", "copy"], "holds the audit itself"),
        (["out", "elsewhere"], "--apply"),
        (["out", "--to", "copy"], "--apply"),
        (["out", "--apply", "--to", "copy"], "needs a folder"),
        (["out", "new", "--apply", "--to", "copy", "-0"], "-0"),
        (["out", "train", "--apply", "--to", "copy"], None),
        (["out", ".", "--apply", "--to", "move"], "lie in one another"),
        (["out", "--kinds", "nearly"], "nearly"),
        (["out", "--keep-in", "test"], "test"),
        (["out", "new", "--apply", "--coco", "test=c.json"], "test"),
        (["train"], "is no audit"),
        (["nowhere"], "nowhere"),
    ],
)
def test_wrong_usage_is_one_line(audited, words, said):
    (audited / "c.json").write_text("{}")
    if said is None:
        words[1], said = "train/deeper", "lie in one another"
    assert said in error_of(run("clean", *words, cwd=audited, status=USAGE))


def test_names_with_newlines_or_not_utf_8(tmp_path):
    split = tmp_path / "images"
    save(split / "a.png", scene(1))
    save(split / "b.png", scene(2))
    os.rename(split / "a.png", os.path.join(os.fsencode(split), b"\xff.png"))
    os.rename(split / "b.png", split / "two\nlines.png")
    run("audit", "images", "-o", "out", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    done = run("clean", "out", "--apply", cwd=tmp_path, status=USAGE)
    assert "-0" in error_of(done)
    run("clean", "out", "--apply", "-0", cwd=tmp_path)
    assert (tmp_path / "out/clean/images.txt").read_bytes() == b"two\nlines.png\0\xff.png\0"
    run("clean", "out", "tree", "--apply", "--to", "copy", cwd=tmp_path)
    assert sorted(os.listdir(os.fsencode(tmp_path / "tree/images"))) == [
        b"two\nlines.png",
        b"\xff.png",
    ]


# labels


def coco(path, images):
    """A COCO file of {file name: [(category, box), ...]}."""
    listed = [{"id": i, "file_name": name} for i, name in enumerate(images)]
    boxes = [
        {"id": 10 * i + k, "image_id": i, "category_id": category, "bbox": box}
        for i, name in enumerate(images)
        for k, (category, box) in enumerate(images[name])
    ]
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    document = {"images": listed, "annotations": boxes, "categories": categories}
    path.write_text(json.dumps(document))
    return document


def test_annotations_that_disagree_are_listed_and_files_filtered(data):
    box = [4, 4, 20, 20]
    labels = {name: [(1, box)] for name in STAY + GO}
    labels |= {"002.png": [(1, [0, 0, 64, 48])], "turned.png": [(1, [0, 0, 48, 64])]}
    train = coco(data / "train.json", labels)
    coco(data / "val.json", {"leak.png": [(2, box)], "leak.bmp": [(1, box)]})
    words = ["audit", "train=train", "val=val", "-o", "out"]
    files = ["--coco", "train=train.json", "--coco", "val=val.json"]
    shown = run(*words, *files, cwd=data).stdout
    assert "copies with other annotations than their keeper: 1" in shown
    assert too_wide(shown) == []
    (row,) = parquet.read_table(data / "out/conflicts.parquet").to_pylist()
    assert (row["path"], row["label"], row["keeper_label"]) == ("003.png", "1 cat", "1 dog")
    shown = run("clean", "out", cwd=data).stdout
    assert "1 with other annotations; --conflicts drop lets them go" in shown
    assert "train/003.png, a copy of val/leak.png" in shown
    # the file of val doesn't list mirrored.png
    assert "1 with annotations, which the image that has priority lacks" in shown
    assert too_wide(shown) == []
    run("clean", "out", "--apply", cwd=data)
    kept = json.loads((data / "out/clean/train.json").read_text())
    stays = [
        image for image in train["images"] if image["file_name"] in [*STAY, "003.png", "005.png"]
    ]
    assert kept["images"] == stays
    ids = {image["id"] for image in stays}
    assert kept["annotations"] == [a for a in train["annotations"] if a["image_id"] in ids]
    # without labels the next audit leaves no old conflicts
    run(*words, cwd=data)
    assert not (data / "out/conflicts.parquet").exists()


def test_copies_in_two_class_folders(tmp_path):
    for i in range(4):
        save(tmp_path / "data" / "cat" / f"{i}.png", scene(i))
        save(tmp_path / "data" / "dog" / f"{i}.png", scene(10 + i))
    shutil.copy(tmp_path / "data/cat/0.png", tmp_path / "data/dog/copy.png")
    shown = run("audit", "data", "-o", "out", cwd=tmp_path).stdout
    assert "copies in another class folder than their keeper: 1" in shown
    (row,) = parquet.read_table(tmp_path / "out/conflicts.parquet").to_pylist()
    assert {row["label"], row["keeper_label"]} == {"cat", "dog"}
    shown = run("audit", "data", "-o", "out", "--no-class-folders", cwd=tmp_path).stdout
    assert "class folder" not in shown
    assert not (tmp_path / "out/conflicts.parquet").exists()


@pytest.mark.parametrize(
    ("given", "said", "status"),
    [
        ("train.json", "is not SPLIT=FILE", USAGE),
        ("train=none.json", "no such file: 'none.json'", USAGE),
        ("test=broken.json", "names 'test'", USAGE),
        ("train=broken.json", "broken.json", FAILED),
    ],
)
def test_wrong_coco_files_are_one_line(audited, tmp_path, given, said, status):
    (audited / "broken.json").write_text('{"images": [')
    words = ["audit", "train=train", "val=val", "-o", str(tmp_path / "out"), "--coco", given]
    assert said in error_of(run(*words, cwd=audited, status=status))
