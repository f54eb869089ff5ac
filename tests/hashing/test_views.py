import errno

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fastphash.base.mapped import let_go, map_rows
from fastphash.base.vocabulary import ORIENTATIONS, VIEW_SETS
from fastphash.demo import scene
from fastphash.hashing.api import phash
from fastphash.hashing.phash import hash_orientations
from fastphash.hashing.views import hash_own_windows, make_views
from fastphash.hashing.windows import (
    FRAME,
    MIDDLE,
    TURNS,
    Window,
    pictures_inside,
    trimmed_windows,
    windows_like_frames,
    windows_like_middles,
)
from fastphash.images.thumbnail import thumbnail
from tests.support import naive
from tests.support.hash_strategies import seeds


def photo(seed, side=320):
    """Grey pixels of a scene."""
    return np.asarray(Image.fromarray(scene(np.random.default_rng(seed), side=side)).convert("L"))


def flat_thumbnail(grey):
    return thumbnail(np.ascontiguousarray(grey)).reshape(-1)


def random_thumbnails(seed, count=3):
    return np.random.default_rng(seed).integers(0, 256, (count, 1024), np.uint8)


def hash_windows(thumbnails, windows):
    """The same windows of all images, one by one, in all orientations: (n, v, 8)."""
    own = np.tile(np.array(windows, float), (len(thumbnails), 1))
    hashes = hash_own_windows(thumbnails.repeat(len(windows), axis=0), own)
    return hashes.reshape(len(thumbnails), len(windows), 8)


def test_the_whole_frame_has_the_stored_hash_in_every_orientation():
    thumbnails = np.stack([flat_thumbnail(photo(seed)) for seed in range(3)])
    thumbnails = np.concatenate([thumbnails, random_thumbnails(0, 100)])
    square = thumbnails.reshape(-1, 32, 32)
    stored = hash_orientations(np.stack([square, square.swapaxes(1, 2)], axis=1))
    hashes = hash_windows(thumbnails, (FRAME,))
    np.testing.assert_array_equal(hashes[:, 0], stored)


@settings(max_examples=4)
@given(seeds, st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=2))
def test_hashes_of_windows_are_their_twins(seed, margins):
    windows = [Window(a / 32, b / 32, 1 - c / 32, 1 - d / 32) for a, b, c, d in margins]
    thumbnails = random_thumbnails(seed, 1)
    hashes = hash_windows(thumbnails, windows)
    for thumb, row in zip(thumbnails, hashes, strict=True):
        for window, found in zip(windows, row, strict=True):
            expected = naive.window_hashes(thumb.reshape(32, 32), window)
            assert found.tolist() == expected


@pytest.mark.parametrize("margin", [0.05, 0.09, 0.165, 0.2])
def test_the_view_of_a_centre_is_near_the_hash_of_the_crop(margin):
    distances = []
    for seed in range(4):
        grey = photo(seed, 160)
        height, width = grey.shape
        y, x = round(margin * height), round(margin * width)
        crop = np.ascontiguousarray(grey[y : height - y, x : width - x])
        window = Window(x / width, y / height, 1 - x / width, 1 - y / height)
        view = hash_windows(flat_thumbnail(grey)[None], (window,))
        distances.append(int(np.bitwise_count(view[0, 0, 0] ^ phash(crop))))
    assert np.median(distances) <= 4


def test_hashes_do_not_depend_on_what_is_hashed_beside_them():
    # hashes are made 32 at a time, of several images
    thumbnails = random_thumbnails(2, 40)
    windows = FRAME, MIDDLE, Window(0.0, 0.0, 0.7, 1.0), MIDDLE, Window(0.0, 0.1, 0.7, 0.9)
    together = hash_windows(thumbnails, windows)
    for i, window in enumerate(windows):
        alone = [hash_windows(one[None], (window,))[0, 0] for one in thumbnails]
        np.testing.assert_array_equal(together[:, i], alone)


def test_windows_of_several_sets_have_the_hashes_of_each():
    thumbnails = random_thumbnails(3)
    made = make_views(thumbnails, "all")
    windows = windows_like_frames("all")
    np.testing.assert_array_equal(made.like_frames, hash_windows(thumbnails, windows)[..., 0])
    windows = windows_like_middles("all")
    np.testing.assert_array_equal(made.like_middles, hash_windows(thumbnails, windows)[..., 0])
    middles = hash_windows(thumbnails, (MIDDLE,))[:, 0]
    np.testing.assert_array_equal(made.middles, middles)


def test_sets_of_views():
    thumbnails = random_thumbnails(1)
    made = {views: make_views(thumbnails, views) for views in VIEW_SETS}
    assert made["none"].like_frames.shape == (3, 0)
    assert made["centre"].like_frames.shape == (3, len(windows_like_frames("centre")))
    assert made["centre"].middles.shape == (0, len(ORIENTATIONS))
    whole = made["all"]
    assert whole.like_frames.shape[1] + whole.like_middles.shape[1] == len(whole.windows)
    assert whole.middles.shape == (3, len(ORIENTATIONS))
    np.testing.assert_array_equal(whole.like_frames[:, :10], made["centre"].like_frames)
    assert whole.turned.shape == (3, len(TURNS))
    assert made["centre"].turned.shape == whole.centres.turned.shape == (3, 0)
    assert not whole.trimmed_rows.size
    beyond, centres = whole.beyond_centres, whole.centres
    assert (*centres.windows, *beyond.windows) == whole.windows
    both = np.concatenate([centres.like_frames, beyond.like_frames], axis=1)
    np.testing.assert_array_equal(both, whole.like_frames)


def test_no_images():
    made = make_views(np.empty((0, 1024), np.uint8))
    assert len(made.like_frames) == len(made.middles) == len(made.trimmed) == 0


@pytest.mark.parametrize(
    ("bars", "colour"),
    [((0, 30, 0, 30), 0), ((25, 0, 25, 0), 255), ((20, 20, 20, 20), 90), ((0, 0, 0, 35), 128)],
)
def test_bars_are_trimmed(bars, colour):
    left, top, right, bottom = bars
    framed = np.pad(photo(3, 160), ((top, bottom), (left, right)), constant_values=colour)
    noise = np.random.default_rng(0).normal(0, 2, framed.shape)
    framed = np.clip(framed + noise, 0, 255).astype(np.uint8)
    rows, windows = trimmed_windows(flat_thumbnail(framed)[None])
    assert rows.tolist() == [0]
    height, width = framed.shape
    expected = left / width, top / height, 1 - right / width, 1 - bottom / height
    np.testing.assert_allclose(windows[0], expected, atol=0.02)


def test_bars_of_several_colours():
    framed = np.pad(photo(4), ((40, 40), (0, 0)), constant_values=10)
    framed = np.pad(framed, ((0, 0), (40, 40)), constant_values=240)
    height, width = framed.shape
    _, windows = trimmed_windows(flat_thumbnail(framed)[None])
    margins = 40 / width, 40 / height, 1 - 40 / width, 1 - 40 / height
    np.testing.assert_allclose(windows[0], margins, atol=0.02)


def test_nothing_is_trimmed_without_bars():
    pictures = [photo(seed) for seed in range(3)]
    flat = [np.full((64, 64), level, np.uint8) for level in (0, 255)]
    narrow = np.pad(photo(5, 64), ((200, 200), (0, 0)), constant_values=0)
    rows, windows = trimmed_windows(
        np.stack([flat_thumbnail(grey) for grey in (*pictures, *flat, narrow)])
    )
    assert rows.size == 0
    assert windows.shape == (0, 4)


def test_pictures_inside_of_pictures():
    page = np.full((240, 300), 235, np.uint8)
    page[60:180, 75:255] = np.asarray(Image.fromarray(photo(3)).resize((180, 120))) // 2
    # a line of text, so that no bar is plain
    page[20:30, 20:200:7] = 40
    rows, windows = pictures_inside(flat_thumbnail(page)[None])
    assert rows.tolist() == [0] * len(rows)
    np.testing.assert_allclose(windows[0], (0.25, 0.25, 0.85, 0.75), atol=0.03)
    inside = make_views(flat_thumbnail(page)[None]).inside
    assert inside.rows.size == rows.size
    small = flat_thumbnail(page[60:180, 75:255])[None]
    wanted, *_ = hash_windows(small, (FRAME,))[0, 0].tolist()
    assert (int(inside.hashes[0]) ^ wanted).bit_count() <= 12


def test_what_bars_leave_is_no_picture_inside():
    framed = np.pad(photo(3, 160), 40, constant_values=255)
    made = make_views(flat_thumbnail(framed)[None])
    assert made.trimmed_rows.size == 1
    apart = np.abs(made.inside.windows - made.trimmed_windows).max(axis=1)
    assert (apart > 1 / 32).all()
    assert not make_views(flat_thumbnail(framed)[None], "none").inside.rows.size


def test_own_windows_may_be_hashed_upright_alone():
    thumbnails = random_thumbnails(1)
    windows = np.tile(np.array(MIDDLE), (3, 1))
    upright = hash_own_windows(thumbnails, windows, turned=False)
    np.testing.assert_array_equal(upright, hash_own_windows(thumbnails, windows)[:, :1])


@pytest.mark.parametrize("views", VIEW_SETS)
def test_views_of_thumbnails_in_a_file_are_the_same(tmp_path, monkeypatch, views):
    """They lie in a file beside it, or in memory where there is no room."""
    monkeypatch.setattr("fastphash.hashing.views._MADE_AT_ONCE", 7)
    thumbnails = np.random.default_rng(2).integers(0, 256, (20, 1024), np.uint8)
    thumbnails[3:6, :256] = 255
    expected = make_views(thumbnails, views)
    in_file = map_rows(tmp_path, [thumbnails], 1024)
    found = make_views(in_file, views)
    let_go(found.like_frames)
    monkeypatch.setattr("fastphash.base.mapped.tempfile.TemporaryFile", full_disk)
    for made in (found, make_views(in_file, views)):
        np.testing.assert_equal(made._asdict(), expected._asdict())


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")
