"""Masks beside pictures: recognised by names, pictures of the same names, and thumbnails."""

import hashlib
from itertools import product as product_of

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from fastphash.labels.masks import Masks, find_masks, left_out, look_like_masks
from fastphash.store.rows import HashTable
from tests.support.scenes import scene
from tests.support.stores import hashes_of

SIZES = {"few": (90, 120), "tall": (400, 90), "small": (40, 40)}


def thumbnail(pixels):
    image = Image.fromarray(pixels).convert("L")
    return np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS)).reshape(-1)


def blob(seed, height=90, width=120, *, levels=(0, 255)):
    """A mask with a few ellipses, of these levels."""
    rng = np.random.default_rng(seed)
    out = np.full((height, width), levels[0], np.uint8)
    y, x = np.mgrid[:height, :width]
    for level in levels[1:]:
        cy, cx = rng.uniform(0.3, 0.7, 2) * (height, width)
        ry, rx = rng.uniform(0.15, 0.3, 2) * (height, width)
        out[((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1] = level
    return out


def product(seed):
    """A picture on white, as of a shop."""
    out = np.full((96, 128, 3), 255, np.uint8)
    out[20:76, 30:98] = np.random.default_rng(seed).integers(0, 256, (56, 68, 3))
    return out


def rows_of(images):
    """Rows of {split/path: pixels}."""
    parts = [name.partition("/") for name in images]
    pixels = np.stack([thumbnail(picture) for picture in images.values()])
    return hashes_of(
        {
            "split": pa.array([split for split, _, _ in parts]).dictionary_encode(),
            "path": [path for _, _, path in parts],
            "thumbnail": pa.array([row.tobytes() for row in pixels], pa.binary(1024)),
        }
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "levels", [(0, 255), (0,), (0, 1), (0, 1, 2, 3), (255, 0), (0, 60, 120, 180)]
)
def test_masks_look_like_masks(size, levels):
    some = np.stack([thumbnail(blob(seed, *SIZES[size], levels=levels)) for seed in range(20)])
    # most of them: a folder is judged as a whole
    assert look_like_masks(some).mean() >= 0.8


@pytest.mark.parametrize("kind", ["scene", "photo", "noise", "product", "gradient"])
def test_pictures_do_not(kind, photo):
    make = {
        "scene": scene,
        "photo": lambda seed: photo(96, 128, seed),
        "noise": lambda seed: np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8),
        "product": product,
        "gradient": lambda seed: np.add.outer(np.arange(90), (2 + seed % 2) * np.arange(80)) // 3,
    }[kind]
    some = np.stack([thumbnail(make(seed).astype(np.uint8)) for seed in range(20)])
    assert not look_like_masks(some).any()


LAYOUTS = {
    "images and masks": ("images/{}.jpg", "masks/{}.png"),
    "root and labels": ("{}.jpg", "labels/{}.png"),
    "VOC": ("JPEGImages/{}.jpg", "SegmentationClass/{}.png"),
    "deeper": ("images/a/{}.jpg", "annotations/a/{}.png"),
    "endings": ("images/{}.jpg", "masks/{}_mask.png"),
    "beginnings": ("img/{}.jpg", "gt/gt_{}.png"),
    "train_masks": ("train/{}.jpg", "train_masks/{}.gif"),
    "Cityscapes": ("leftImg8bit/aa/{}_leftImg8bit.png", "gtFine/aa/{}_gtFine_labelIds.png"),
    "colours": ("leftImg8bit/aa/{}_leftImg8bit.png", "gtCoarse/aa/{}_gtCoarse_color.png"),
    "ground_truth": ("test/cut/{}.png", "ground_truth/cut/{}_mask.png"),
    "ground truth": ("pictures/{}.png", "Ground Truth/{}.png"),
    "mmseg": ("img_dir/val/{}.jpg", "ann_dir/val/{}.png"),
    "trainIds": ("img_dir/{}_img.jpg", "ann_dir/{}_labelTrainIds.png"),
    "suffixes on both sides": ("a/{}_sat.jpg", "b/{}_mask.png"),
    "prefixes on both sides": ("a/img_{}.jpg", "b/mask_{}.png"),
    "pictures below a word of masks": ("seg/images/{}.jpg", "seg/masks/{}.png"),
    "one folder": ("{}.jpg", "{}_mask.png"),
    "one folder, lower": ("pairs/{}.jpg", "pairs/{}-seg.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_beside_pictures_are_left_out(layout):
    picture, mask = LAYOUTS[layout]
    images = {}
    for i in range(6):
        images[f"train/{picture.format(f'{i:03d}')}"] = scene(i)
        images[f"train/{mask.format(f'{i:03d}')}"] = blob(i)
    rows = rows_of(images)
    (found,) = find_masks(rows)
    folder = mask.rpartition("/")[0]
    assert found == Masks("train", folder, layout in _MARKED, 6, True)
    assert left_out(rows, [found.place]).tolist() == [False, True] * 6


_MARKED = {"endings", "beginnings", "one folder", "one folder, lower", "Cityscapes", "colours"}
_MARKED |= {"ground_truth", "trainIds", "suffixes on both sides", "prefixes on both sides"}


def folders(**pictures):
    """Rows of one split: six images a folder, made by functions of a seed."""
    return rows_of(
        {f"all/{name}/{i}.png": make(i) for name, make in pictures.items() for i in range(6)}
    )


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        # a class of pictures that is called so
        (folders(masks=scene, hats=lambda i: scene(50 + i)), []),
        (folders(with_mask=product, without_mask=lambda i: product(50 + i)), []),
        # classes of drawings with the same names: no folder has pictures
        (folders(cat=blob, dog=lambda i: blob(50 + i)), []),
        # flat images beside pictures, by no name that says so: compared, and said
        (folders(images=scene, edges=blob), [("edges", False)]),
        # no pictures beside them
        (folders(masks=blob), [("masks", False)]),
        # two kinds of masks
        (folders(images=scene, masks=blob, gt=blob), [("gt", True), ("masks", True)]),
        # pictures that look like masks, too: perhaps two classes, "with mask" and without
        (folders(images=lambda i: blob(50 + i), masks=blob), [("masks", False)]),
        (folders(no=lambda i: blob(50 + i), mask=blob), [("mask", False)]),
        (folders(bare=lambda i: blob(50 + i), seg=blob), [("seg", False)]),
        # photos of the same names
        (folders(left=scene, right=lambda i: scene(50 + i)), []),
    ],
)
def test_what_is_left_out_and_what_is_only_said(rows, found):
    masks = find_masks(rows)
    assert [(one.folder, one.named) for one in masks] == found
    out = left_out(rows, [one.place for one in masks if one.named])
    names = rows.table["path"].to_pylist()
    expected = {folder for folder, named in found if named}
    assert [name.partition("/")[0] in expected for name in names] == out.tolist()


def test_names_that_many_folders_have_are_told_by_folders():
    images = {}
    for defect, i in product_of([f"defect {n}" for n in range(9)], range(3)):
        images[f"test/test/{defect}/{i:03d}.png"] = scene(i)
        images[f"test/ground_truth/{defect}/{i:03d}_mask.png"] = blob(i)
    found = find_masks(rows_of(images))
    assert [(one.folder.partition("/")[0], one.named) for one in found] == [
        ("ground_truth", True)
    ] * 9


@pytest.mark.parametrize(
    ("levels", "compared"), [((0, 255), True), ((255, 90, 0), True), ((0, 1), False), ((0,), False)]
)
def test_files_of_another_split_are_compared_unless_they_have_one_value(levels, compared):
    images = {}
    for split, seeds in (("train", range(6)), ("val", range(4, 10))):
        for i in seeds:
            images[f"{split}/images/{i}.png"] = scene(i)
            images[f"{split}/masks/{i}.png"] = blob(i, levels=levels)
    rows = rows_of(images)
    digests = [hashlib.md5(picture.tobytes()).digest() for picture in images.values()]
    rows = HashTable(
        rows.table.append_column("digest", pa.array(digests, pa.binary(16))), rows.definition
    )
    out = left_out(rows, [one.place for one in find_masks(rows) if one.named])
    shown = [
        f"{split}/{path}"
        for split, path, gone in zip(rows.splits, rows.table["path"].to_pylist(), out, strict=True)
        if "masks" in path and not gone
    ]
    twice = [f"{split}/masks/{i}.png" for split in ("train", "val") for i in (4, 5)]
    assert shown == (twice if compared else [])


def test_masks_of_one_split_have_their_pictures_there():
    images = {f"train/images/{i}.png": scene(i) for i in range(6)}
    images |= {f"val/masks/{i}.png": blob(i) for i in range(6)}
    (found,) = find_masks(rows_of(images))
    assert (found.split, found.named) == ("val", False)


def test_without_thumbnails_or_rows_nothing_is_known():
    columns = {
        "split": pa.array(["a", "a"]).dictionary_encode(),
        "path": ["images/1.png", "masks/1.png"],
    }
    assert find_masks(hashes_of(columns)) == []
    assert find_masks(folders(masks=blob).take(np.array([], np.int64))) == []
