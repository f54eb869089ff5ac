"""The tiles of benchmarks/speed/paper_job.py, whose copies are known."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.support.known_tiles import SIDE, SPLITS, plan_tiles, write_known_tiles


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(4)
    for name, size in (("a.png", (200, 150)), ("b.png", (120, 160))):
        small = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
        small.resize(size, Image.Resampling.BICUBIC).save(folder / name)
    Image.new("RGB", (90, 90), (80, 90, 99)).save(folder / "plain.png")
    return folder


def test_squares_do_not_overlap_and_each_has_a_tile(photos):
    tiles = plan_tiles([photos], 400)
    shown = np.zeros((len(tiles.sources), 160, 200), np.int64)
    for source, (left, top, right, bottom) in zip(tiles.source, tiles.window, strict=True):
        shown[source, top:bottom, left:right] += 1
    assert shown.max() == 1
    assert not shown[[path.name for path in tiles.sources].index("plain.png")].any()
    assert np.array_equal(np.unique(tiles.original), np.arange(tiles.source.size))
    assert tiles.original.size == 400
    assert tiles.training == round(400 * 280_741 / 341_058)


def test_tiles_are_squares_turned_and_their_names_tell_their_numbers(photos, tmp_path):
    tiles = plan_tiles([photos], 60)
    write_known_tiles(tiles, tmp_path)
    names = [tiles.name(tile) for tile in range(60)]
    assert sorted(names) == sorted(
        f"{split}/{path.name}" for split in SPLITS for path in (tmp_path / split).iterdir()
    )
    split, path = np.array([name.split("/") for name in names]).T
    assert tiles.number(split, path).tolist() == list(range(60))
    one, other = np.flatnonzero(tiles.original == tiles.original[0])[:2]
    pictures = [Image.open(tmp_path / names[tile]).convert("L") for tile in (one, other)]
    assert {picture.size for picture in pictures} == {(SIDE, SIDE)}
    upright = [
        _upright(picture, tiles.orientation[tile])
        for picture, tile in zip(pictures, (one, other), strict=True)
    ]
    assert np.abs(upright[0] - upright[1]).mean() < 4


def _upright(picture, orientation):
    grey = np.asarray(picture.resize((30, 30), Image.Resampling.BOX), float)
    turns = [
        lambda g: g,
        lambda g: np.rot90(g, 3),
        lambda g: np.rot90(g, 2),
        np.rot90,
        lambda g: g[:, ::-1],
        lambda g: g[::-1],
        lambda g: g.T,
        lambda g: np.rot90(g, 2).T,
    ]
    return turns[orientation](grey)
