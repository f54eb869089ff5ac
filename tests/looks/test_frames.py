"""Pictures whose frames differ slightly."""

from unittest import mock

import numpy as np
import pytest
from PIL import Image

from fastphash.looks import frames as frames_module
from fastphash.looks import local_change
from fastphash.looks.frames import find_change, find_frame, into_frame
from fastphash.looks.local_change import CHANGED, find_local_change


def photo(seed=0):
    """Blots of random colours, uint8 (300, 300, 3)."""
    blots = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    return np.asarray(Image.fromarray(blots).resize((300, 300), Image.BICUBIC))


def cropped(pixels, left, top, right, bottom):
    """What is left of a picture, at its size."""
    height, width = pixels.shape[:2]
    box = (left, top, width - right, height - bottom)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.BICUBIC, box))


def grey(pixels):
    return pixels.mean(axis=2).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("across", "down"), [(3, 0), (-2, 5), (0, -4), (6, 6)])
def test_a_move_is_found_to_the_pixel(seed, across, down):
    pixels = photo(seed)
    left = pixels[10:290, 10:290]
    right = pixels[10 + down : 290 + down, 10 + across : 290 + across]
    assert find_local_change(left, right).strength >= CHANGED
    frame = find_frame(grey(left), grey(right))
    assert np.allclose(frame, (1, across, 1, down), atol=0.4)
    ours, theirs, (x, y, stop_x, stop_y) = into_frame(left, right, frame)
    assert np.array_equal(theirs, right[y:stop_y, x:stop_x])
    assert ours.shape == theirs.shape
    assert find_change(left, right).strength < CHANGED


@pytest.mark.parametrize("edges", [(3, 3, 3, 3), (4, 0, 2, 6), (0, 6, 0, 0)])
def test_a_slight_crop_is_no_change(edges):
    pixels = photo()
    other = cropped(pixels, *edges)
    for left, right in ((pixels, other), (other, pixels)):
        assert find_local_change(left, right).strength >= CHANGED
        assert find_change(left, right).strength < CHANGED


def test_no_tone_is_fitted_to_what_a_frame_explains(monkeypatch):
    tones = mock.Mock(return_value=[])
    monkeypatch.setattr(local_change, "fit_tones", tones)
    pixels = photo()
    assert find_change(pixels, cropped(pixels, 4, 0, 2, 6)).strength < CHANGED
    tones.assert_not_called()
    assert find_change(pixels, photo(1)).strength >= CHANGED
    tones.assert_called()


def test_no_frame_is_sought_where_other_light_explains_everything(monkeypatch):
    pixels = photo()
    lighter = np.clip(pixels * 0.7 + 20, 0, 255).astype(np.uint8)
    frames = mock.Mock(return_value=None)
    monkeypatch.setattr(frames_module, "find_frame", frames)
    assert find_change(pixels, lighter).strength < CHANGED
    frames.assert_not_called()
    lighter[100:140, 100:160] = 255 - lighter[100:140, 100:160]
    assert find_change(pixels, lighter).strength >= CHANGED
    frames.assert_called_once()


def test_a_copy_that_moved_and_is_lighter_has_its_place_found():
    pixels = photo()
    other = np.clip(pixels[:, 4:] * 0.7 + 20, 0, 255).astype(np.uint8)
    assert find_change(pixels[:, :-4], other).strength < CHANGED
    other[200:230, 40:90] = 255 - other[200:230, 40:90]
    assert find_change(pixels[:, :-4], other).strength >= CHANGED


def test_a_place_that_differs_is_found_in_another_frame():
    pixels = photo()
    other = pixels[:, 4:].copy()
    other[200:230, 40:90] = other[200:230, 40:90] // 2
    change = find_change(pixels[:, :-4], other)
    assert change.strength >= CHANGED
    assert np.allclose(change.place, np.array([40, 200, 90, 230]) / [296, 300, 296, 300], atol=0.02)


def test_frames_that_are_equal_or_too_different_are_none():
    pixels = photo()
    changed = pixels.copy()
    changed[100:140, 100:140] = 0
    assert find_frame(grey(pixels), grey(changed)) is None
    assert find_frame(grey(pixels), grey(photo(1))) is None
    assert find_frame(grey(pixels), grey(cropped(pixels, 40, 40, 40, 40))) is None
    flat = np.full((300, 300), 7, np.float32)
    assert find_frame(flat, flat) is None
    assert find_frame(grey(pixels)[:20], grey(pixels)[:20]) is None
