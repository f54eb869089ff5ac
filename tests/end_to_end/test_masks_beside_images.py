"""Masks in a folder beside their images are not hashed, and go where their images go."""

import json
import shutil

import numpy as np
import pytest

import fastphash
from fastphash.store.open import read_hashes
from tests.support.command_line import USAGE, error_of, run, too_wide
from tests.support.examples import slow_but
from tests.support.scenes import save, scene

COPIES = (("0", 0), ("copy0", 0), ("1", 1), ("copy1", 1))


def mask(path, value=1):
    pixels = np.zeros((48, 64), np.uint8)
    pixels[10:30, 20:50] = value
    save(path, pixels)


def make(folder, images="images", masks="gt", mask_name="{}.png", picture_name="{}.png"):
    """Images 0 and 1, a copy of each, and a mask of all but 1."""
    for name, seed in COPIES:
        save(folder / images / picture_name.format(name), scene(seed))
        if name != "1":
            mask(folder / masks / mask_name.format(name), len(name))
    return folder


def hashed(folder, *words, places=("train",)):
    """What is in the store after a run, and what the run says."""
    done = run("hash", *places, "-o", "store", *words, cwd=folder)
    paths = read_hashes(str(folder / "store")).paths.to_pylist()
    return sorted(map(bytes.decode, paths)), " ".join((done.stdout + done.stderr).split())


def files_below(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


# the split's folder below "data", images and masks in it, their names, what --masks is given, and
# where a tree has the masks
LAYOUTS = {
    "by name": ("train", "images", "masks", "{}.png", [], "masks"),
    "a suffix": ("train", "images/a", "gt/a", "{}_gt.png", ["images=gt"], "gt/a"),
    "two steps": ("train", "jpg", "ann/trimaps", "{}.gif", ["jpg=ann/trimaps"], "ann/trimaps"),
    "in the folder": ("train", "", "m", "{}.png", [".=m"], "m"),
    "beside the split": ("train", "", "../train_m", "{}.png", ["train=train_m"], "train_m"),
    "above the split": ("images/train", "", "../../m/train", "{}.bmp", ["images=m"], "m"),
}


@pytest.mark.parametrize("layout", slow_but(["a suffix", "above the split"], LAYOUTS))
def test_masks_are_not_hashed_and_go_where_their_images_go(tmp_path, layout):
    root, images, masks, name, words, target = LAYOUTS[layout]
    data = make(tmp_path / "data" / root, images, masks, name)
    before = files_below(tmp_path / "data")
    words = [word for pair in words for word in ("--masks", pair)]
    shown = run("audit", f"train={data}", "-o", "o", *words, cwd=tmp_path).stdout
    assert too_wide(shown) == []
    shown = " ".join(shown.split())
    assert "train: 3 of 4 images have masks in " in shown
    summary = json.loads((tmp_path / "o/summary.json").read_text())
    assert (summary["splits"]["train"]["images"], summary["masks"]) == (4, [])
    inside = masks.startswith("..")
    assert summary["splits"]["train"]["masks"] == (0 if inside else 3)
    assert ("3 masks were not hashed; --masks none takes them" in shown) is not inside
    assert "3 of 4 images have masks in" in (tmp_path / "o/report.html").read_text()
    plan = " ".join(run("clean", "o", cwd=tmp_path).stdout.split())
    assert "they go where the images go" in plan
    for mode in ("copy", "symlink"):
        run("clean", "o", mode, "--apply", "--to", mode, cwd=tmp_path)
        kept = [f"{images}/0.png", f"{images}/1.png", f"{target}/{name.format(0)}"]
        assert names_in(tmp_path / mode / "train") == sorted(path.lstrip("/") for path in kept)
    run("clean", "o", "aside", "--apply", "--to", "move", cwd=tmp_path)
    gone = {path: data for path, data in before.items() if "copy" in path.name}
    assert files_below(tmp_path / "data") == {p: d for p, d in before.items() if p not in gone}
    assert sorted(files_below(tmp_path / "aside").values()) == sorted(gone.values())
    run("clean", "o", "--undo", cwd=tmp_path)
    assert files_below(tmp_path / "data") == before


def test_other_masks_change_what_is_hashed(tmp_path):
    make(tmp_path / "train", mask_name="{}_m.png")
    mask(tmp_path / "train/gt/other.png")
    pictures = [f"images/{name}.png" for name in ("0", "1", "copy0", "copy1")]
    named = [f"gt/{name}.png" for name in ("0_m", "copy0_m", "copy1_m")]
    # "m" is no word of a mask, so no file has the name of an image
    assert hashed(tmp_path)[0] == sorted([*pictures, *named, "gt/other.png"])
    for path in named:
        (tmp_path / "train" / path).rename(tmp_path / "train" / path.replace("_m", "_mask"))
    paths, said = hashed(tmp_path)
    assert paths == sorted([*pictures, "gt/other.png"])
    assert "train: 3 masks in gt/ 3 masks were not hashed; --masks none takes them, too" in said
    everything, said = hashed(tmp_path, "--masks", "none")
    assert len(everything) == 8
    assert "not hashed" not in said
    paths, said = hashed(tmp_path, "--masks", "images=gt")
    assert paths == sorted([*pictures, "gt/other.png"])
    assert "3 images of 'train' that the store has are left out by name now, and not gone" in said
    # where no image belongs to the split, its masks do
    assert len(hashed(tmp_path, "--exclude", "images")[0]) == 4
    listed = "\n".join(f"train/{path}" for path in names_in(tmp_path / "train"))
    for words, images in (([], 8), (["--masks", "images=gt"], 5)):
        run("hash", "--files", "l=-", "-o", "listed", *words, cwd=tmp_path, input=listed)
        assert len(read_hashes(str(tmp_path / "listed"))) == images


def test_a_split_of_masks_alone_is_hashed(tmp_path):
    make(tmp_path / "train", masks="gt")
    paths, said = hashed(tmp_path, places=("pictures=train/images", "gt=train/gt"))
    assert len(paths) == 7
    assert "not hashed" not in said
    # the masks are images of their own: what happens to them is said in the plan
    words = ["pictures=train/images", "gt=train/gt", "-o", "o", "--masks", "images=gt"]
    run("audit", *words, "--no-verify", cwd=tmp_path)
    run("clean", "o", cwd=tmp_path)
    words = ["clean", "o", "aside", "--apply", "--to", "move", "--json"]
    assert json.loads(run(*words, cwd=tmp_path).stdout)["sidecars"]["planned"] == 0


def test_names_deceive_if_the_files_are_not_small(tmp_path):
    for seed in range(4):
        save(tmp_path / "train/images" / f"{seed}.png", scene(seed))
        save(tmp_path / "train/gt" / f"{seed}.png", scene(seed + 10))
    assert len(hashed(tmp_path)[0]) == 8
    audit = fastphash.audit(
        {"train": tmp_path / "train"}, tmp_path / "o", masks="images=gt", workers=0, progress=False
    )
    assert audit.summary["splits"]["train"]["images"] == 4
    # masks of other images are no masks of these
    shutil.rmtree(tmp_path / "train/gt")
    for seed in range(4):
        mask(tmp_path / "train/gt" / f"other{seed}.png")
    assert len(hashed(tmp_path)[0]) == 8


def test_photos_of_few_bytes_are_no_masks(tmp_path):
    for seed in range(4):
        save(tmp_path / f"train/images/{seed}.png", scene(seed))
        save(tmp_path / f"train/gt/{seed}.jpg", scene(seed + 10), quality=50)
    # they are stored with losses, or have few pixels
    assert len(hashed(tmp_path)[0]) == 8
    for seed in range(4):
        (tmp_path / f"train/images/{seed}.png").unlink()
        large = save(tmp_path / f"train/images/{seed}.jpg", scene(seed, 480, 640), quality=95)
        small = save(tmp_path / f"train/gt/{seed}.jpg", scene(seed + 10, 120, 160), quality=95)
        assert 4 * small.stat().st_size < large.stat().st_size
    assert len(hashed(tmp_path)[0]) == 8


def test_folders_of_masks_are_in_the_json_of_a_run(tmp_path):
    make(tmp_path / "train")
    assert json.loads(hashed(tmp_path, "--json")[1])["train"]["mask_folders"] == {"images=gt": 3}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("gt", "--masks 'gt' is no pair of folders: write the name of the folder of the pictures"),
        ("images=../gt", "--masks 'images=../gt' is no pair of folders"),
        ("a/b=gt", "--masks 'a/b=gt' is no pair of folders"),
        ("images=images", "--masks 'images=images' names the folder of the pictures twice"),
        ("images=no", "--masks 'images=no': no folder 'no' lies beside a folder 'images'"),
        ("pics=gt", "--masks 'pics=gt': no folder 'gt' lies beside a folder 'pics'"),
        (".=no", "--masks '.=no': no folder 'no' lies in a folder with images of the splits"),
        ("images=gt gt=images", "--masks 'images=gt' is given the other way round, too"),
        ("images=odd", "--masks 'images=odd': no image has a mask there"),
    ],
)
def test_wrong_masks_are_one_line(tmp_path, word, said):
    make(tmp_path / "train")
    mask(tmp_path / "train/odd/other.png")
    words = [word for pair in word.split() for word in ("--masks", pair)]
    done = run("hash", "train", "-o", "s", *words, cwd=tmp_path, status=USAGE)
    assert said in error_of(done)
    assert not (tmp_path / "s").exists()


def test_masks_in_containers_are_refused(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"")
    words = ["hash", "x.zip", "-o", "s", "--masks", "images=gt"]
    done = run(*words, cwd=tmp_path, status=USAGE)
    assert "split 'x' lies in containers or a bucket" in error_of(done)
