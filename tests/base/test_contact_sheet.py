"""Contact sheets of further frames, and their orientations."""

import numpy as np
import pytest

from fastphash.base.contact_sheet import contact_sheet, tile_indices, tiles_along_side
from fastphash.base.orientations import orientation_indices
from tests.support import naive


@pytest.mark.parametrize(("frames", "tiles"), [(1, 1), (2, 2), (4, 2), (5, 4), (16, 4), (999, 4)])
def test_tiles_for_a_number_of_further_frames(frames, tiles):
    assert tiles_along_side(frames) == tiles


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 9, 16, 40])
@pytest.mark.parametrize("t", range(8))
def test_tiles_of_turned_frames_are_the_turned_tiles(frames, t):
    thumbnails = np.random.default_rng(frames).integers(0, 256, (frames, 32, 32), np.uint8)
    turned = np.stack([naive.TURNS[t](frame) for frame in thumbnails])
    sheet, other = (contact_sheet(images).reshape(-1) for images in (thumbnails, turned))
    tiles = tiles_along_side(frames)
    for tile in range(tiles**2):
        ours, theirs = tile_indices(tiles, tile)[t], tile_indices(tiles, tile)[0]
        assert np.array_equal(sheet[ours], other[theirs])


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 9, 16])
def test_a_tile_is_its_frame_enlarged(frames):
    thumbnails = np.random.default_rng(frames).integers(0, 256, (frames, 32, 32), np.uint8)
    tiles = tiles_along_side(frames)
    sheet = contact_sheet(thumbnails).reshape(-1)
    for tile, frame in enumerate(thumbnails):
        shown = sheet[tile_indices(tiles, tile)[0]].reshape(32, 32)
        for y in range(0, 32, tiles):
            for x in range(0, 32, tiles):
                cell = frame[y : y + tiles, x : x + tiles].mean()
                assert (shown[y : y + tiles, x : x + tiles] == int(cell + 0.5)).all()


def test_a_tile_is_its_frame_or_the_mean_of_several():
    frames = np.stack([np.full((32, 32), level, np.uint8) for level in range(0, 64, 2)])
    assert (contact_sheet(frames[7:8]) == 14).all()
    four = contact_sheet(frames[:3])
    assert [four[y, x] for y in (3, 20) for x in (3, 20)] == [0, 2, 4, 0]
    sixteen = contact_sheet(frames)
    assert sixteen[0, 0] == 1
    assert sixteen[31, 31] == 61


def test_one_tile_is_turned_as_a_thumbnail():
    assert np.array_equal(tile_indices(1, 0), orientation_indices())
