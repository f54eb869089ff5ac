"""Splits with masks that are hashed: no mask leaks, goes, or hides a copy of a picture.

Names of folders such as these may mean something else: see `test_masks_beside_images` for others.
"""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from fastphash.files import parquet
from tests.support.command_line import LEAKED, run, too_wide
from tests.support.examples import slow_but
from tests.support.scenes import save, scene


def mask(path, value=0):
    """A mask that is black, or has one square."""
    pixels = np.zeros((48, 64), np.uint8)
    pixels[10:30, 20:50] = value
    save(path, pixels)


@pytest.fixture
def data(tmp_path):
    """12 pictures and their masks, some alike; one picture of val is in train, too."""
    for split, seeds in (("train", range(8)), ("val", range(20, 24))):
        for seed in seeds:
            save(tmp_path / split / "images" / f"{seed:02d}.png", scene(seed))
            mask(tmp_path / split / "all_masks" / f"{seed:02d}.png", seed % 2)
    shutil.copy(tmp_path / "train/images/00.png", tmp_path / "val/images/20.png")
    return tmp_path


def summary(data):
    return json.loads((data / "o" / "summary.json").read_text())


def test_masks_are_named_and_no_mask_leaks(data):
    shown = run("audit", "train=train", "val=val", "-o", "o", cwd=data).stdout
    assert too_wide(shown) == []
    shown = " ".join(shown.split())
    assert "train/all_masks: 8 images look like masks, not compared (--compare-masks" in shown
    assert "val/all_masks: 4 images look like masks, not compared" in shown
    leaks = parquet.read_table(data / "o" / "leaks.parquet")
    assert sorted(leaks["needle_path"].to_pylist()) == ["images/00.png", "images/20.png"]
    assert summary(data)["masks"] == [
        {
            "split": split,
            "folder": "all_masks",
            "marked": False,
            "images": n,
            "left_out": True,
            "not_compared": n,
        }
        for split, n in (("train", 8), ("val", 4))
    ]
    report = (data / "o" / "report.html").read_text()
    assert "8 images look like masks, not compared" in report
    said = "8 masks in train/all_masks and 4 masks in val/all_masks were not compared"
    assert summary(data)["verdict"]["missed"].endswith(f" {said}.")
    plan = " ".join(run("clean", "o", cwd=data).stdout.split())
    assert f"{said}: they all stay" in plan


def test_clean_removes_no_mask(data):
    run("audit", "train=train", "val=val", "-o", "o", cwd=data)
    run("clean", "o", cwd=data)
    run("clean", "o", "--apply", cwd=data)
    train = (data / "o/clean/train.txt").read_text().split()
    assert len(train) == 15
    assert "images/00.png" not in train
    assert len((data / "o/clean/val.txt").read_text().split()) == 8


def test_masks_are_compared_if_asked_for(data):
    words = ["audit", "train=train", "val=val", "-o", "o", "--compare-masks"]
    shown = " ".join(run(*words, cwd=data).stdout.split())
    assert "train/all_masks: 8 images look like masks, compared all the same" in shown
    leaks = parquet.read_table(data / "o" / "leaks.parquet")
    assert "all_masks/00.png" in leaks["needle_path"].to_pylist()
    assert not any(one["left_out"] for one in summary(data)["masks"])
    plan = json.loads(run("clean", "o", "--json", cwd=data).stdout)["splits"]
    assert plan["train"]["remove"] > 1


def unequal(folder, masks, pictures):
    """Splits a and b with as many masks and pictures; two pictures of b are in a, too."""
    for split, first in (("a", 0), ("b", 20)):
        for seed in range(pictures[split]):
            save(folder / split / "images" / f"{seed:02d}.png", scene(first + seed))
        for seed in range(masks[split]):
            mask(folder / split / "all_masks" / f"{seed:02d}.png", seed % 2)
    for i in range(2):
        shutil.copy(folder / f"a/images/0{i}.png", folder / f"b/images/0{i}.png")


@pytest.mark.parametrize(
    ("masks", "pictures", "order"),
    [
        ({"a": 6, "b": 0}, {"a": 6, "b": 8}, ["b", "a"]),
        ({"a": 5, "b": 2}, {"a": 5, "b": 6}, ["b", "a"]),
        ({"a": 0, "b": 4}, {"a": 7, "b": 6}, ["a", "b"]),
    ],
)
@pytest.mark.parametrize(
    "given", slow_but([["--keep-in", "a"]], [[], ["--keep-in", "a"], ["--compare-masks"]])
)
def test_masks_do_not_change_which_split_keeps_its_images(tmp_path, masks, pictures, order, given):
    unequal(tmp_path, masks, pictures)
    run("audit", "a=a", "b=b", "-o", "o", *given, cwd=tmp_path)
    assert summary(tmp_path)["split_order"] == order
    stays, goes = ["a", "b"] if "--keep-in" in given else order
    groups = parquet.read_table(tmp_path / "o/groups.parquet").to_pylist()
    pairs = [row for row in groups if row["split"] != row["keeper_split"]]
    assert {row["keeper_reason"] for row in pairs} == {f"{stays} before {goes}"}
    report = " ".join((tmp_path / "o/report.html").read_text().split())
    assert f"images of {stays}, then of {goes}; then" in report
    run("clean", "o", cwd=tmp_path)
    planned = parquet.read_table(tmp_path / "o/plan.parquet").to_pylist()
    across = [row for row in planned if row["keeper_split"] not in (None, row["split"])]
    assert len(across) >= 2
    assert {row["keeper_reason"] for row in across} == {f"{stays} before {goes}"}


@pytest.mark.parametrize("ending", slow_but(["gif", "jpg"], ["png", "gif", "bmp", "tif", "jpg"]))
def test_masks_of_several_formats_and_levels(tmp_path, ending):
    for seed in range(6):
        save(tmp_path / "d/x" / f"{seed}.jpg", scene(seed))
        pixels = np.zeros((96, 128), np.uint8)
        pixels[20:60, 30:90] = 1 + seed // 2
        picture = Image.fromarray(pixels).convert("P")
        palette = np.random.default_rng(seed // 3).integers(0, 256, 768).tolist()
        picture.putpalette(palette)
        (tmp_path / "d/SegmentationClass").mkdir(exist_ok=True)
        picture = picture.convert("RGB") if ending == "jpg" else picture
        picture.save(tmp_path / f"d/SegmentationClass/{seed}.{ending}")
    run("audit", "d", "-o", "o", cwd=tmp_path)
    (found,) = summary(tmp_path)["masks"]
    assert (found["folder"], found["images"], found["left_out"]) == ("SegmentationClass", 6, True)


def test_pictures_called_masks_are_compared(tmp_path):
    for seed in range(6):
        save(tmp_path / "d/images" / f"{seed}.png", scene(seed))
        save(tmp_path / "d/masks" / f"{seed}.png", scene(seed + 3))
    shown = run("audit", "d", "-o", "o", cwd=tmp_path).stdout
    assert "Masks" not in shown
    assert summary(tmp_path)["groups"]["groups"] == 3


def drawing(seed):
    """A drawn picture on white: two areas of other colours."""
    rng = np.random.default_rng(seed)
    pixels = np.full((96, 128, 3), 255, np.uint8)
    for _ in range(2):
        top, left = rng.integers(5, 45, 2)
        pixels[top : top + 40, left : left + 50] = rng.integers(0, 200, 3)
    return pixels


@pytest.mark.parametrize(
    ("other", "named"), [("no", "mask"), ("plain", "seg"), ("unlabelled", "labels")]
)
@pytest.mark.parametrize("make", slow_but([scene], [drawing, scene]))
def test_leaks_between_classes_that_are_called_masks(tmp_path, other, named, make):
    """Classes of drawings on white, or of drawings beside photos: copied files leak."""
    for split, seeds in (("train", range(10)), ("val", range(20, 26))):
        for i, seed in enumerate(seeds):
            save(tmp_path / split / named / f"{i:03d}.png", drawing(seed))
            save(tmp_path / split / other / f"{i:03d}.png", make(100 + seed))
    for i in range(3):
        shutil.copy(tmp_path / f"train/{named}/{i:03d}.png", tmp_path / f"val/{named}")
    words = ["audit", "train=train", "val=val", "-o", "o", "--fail-on-leak"]
    shown = " ".join(run(*words, cwd=tmp_path, status=LEAKED).stdout.split())
    if make is scene:
        assert (
            f"train/{named}: 10 images look like masks, not compared, but for 3 files of" in shown
        )
        assert f"7 masks in train/{named} and 3 masks in val/{named} were not compared" in shown
    leaks = summary(tmp_path)["splits"]["val"]["leaks"]
    assert leaks["kinds"]["identical"] == 3


LAYOUTS = {
    "Cityscapes": ("leftImg8bit/aa/{}_leftImg8bit.png", "gtFine/aa/{}_gtFine_labelIds.png"),
    "MVTec": ("test/cut/{}.png", "ground_truth/cut/{}_mask.png"),
    "mmseg": ("img_dir/{}.png", "ann_dir/{}.png"),
    "prefixes": ("im/img_{}.png", "gts/gt_{}.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_image_leaks_because_of_its_mask(tmp_path, layout):
    picture, label = LAYOUTS[layout]
    for split, seeds in (("train", range(6)), ("val", range(20, 23))):
        for seed in seeds:
            save(tmp_path / split / picture.format(f"{seed:02d}"), scene(seed))
            mask(tmp_path / split / label.format(f"{seed:02d}"), seed % 2)
    words = ["audit", "train=train", "val=val", "-o", "o", "--fail-on-leak"]
    run(*words, cwd=tmp_path)
    told = summary(tmp_path)
    compared = [one["not_compared"] for one in told["masks"]]
    assert compared or [split["masks"] for split in told["splits"].values()] == [6, 3]
    assert compared in ([], [6, 3])
    plan = json.loads(run("clean", "o", "--json", cwd=tmp_path).stdout)["splits"]
    assert [plan[split]["remove"] for split in ("train", "val")] == [0, 0]


def test_the_masks_of_the_case(shared, tmp_path):
    folder = shared / "cases" / "09-masks-in-split"
    words = ["audit", f"train={folder}/train", f"val={folder}/val", "-o", "o"]
    shown = " ".join(run(*words, cwd=tmp_path).stdout.split())
    assert "train: 6 of 6 images have masks in masks/" in shown
    assert parquet.read_table(tmp_path / "o" / "leaks.parquet").num_rows == 0
    plan = json.loads(run("clean", "o", "--json", cwd=tmp_path).stdout)["splits"]
    assert [plan[split]["remove"] for split in ("train", "val")] == [0, 0]
