"""Crops, turned and shifted copies are aligned; other pictures, flat and tiny ones are not."""

import io
import math
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from fastphash.errors import UsageError
from fastphash.looks.aligned import ENOUGH_KEYPOINTS, align, align_described
from fastphash.looks.keypoints import describe


def blocks(seed, height=240, width=300):
    """A picture with many corners."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 120, np.uint8)
    for _ in range(120):
        y, x = rng.integers(0, height), rng.integers(0, width)
        down, across = rng.integers(6, 40, 2)
        picture[y : y + down, x : x + across] = rng.integers(0, 256, 3)
    return picture


def test_a_crop_is_found_in_its_picture():
    whole = blocks(1)
    found = align(whole, np.ascontiguousarray(whole[48:216, 60:270]))
    assert found.correlation > 0.9
    assert min(found.keypoints) >= ENOUGH_KEYPOINTS
    assert found.matches > 50
    np.testing.assert_allclose(found.window, (0.2, 0.2, 0.9, 0.9), atol=0.02)
    # the crop's 210 pixels are not reduced, the 300 of the whole picture are
    assert found.scale == pytest.approx(300 / 210, rel=0.02)


@pytest.mark.parametrize("degrees", [-30, 5, 10, 90])
def test_a_turned_copy_is_aligned_and_its_angle_told(degrees):
    picture = Image.fromarray(blocks(2))
    found = align(np.asarray(picture), np.asarray(picture.rotate(degrees)))
    assert found.correlation > 0.7
    assert found.angle == pytest.approx(degrees, abs=0.5)


def test_a_shift_is_a_share_of_the_sides():
    picture = blocks(3)
    found = align(picture, np.roll(picture, (24, 60), (0, 1)))
    np.testing.assert_allclose(found.shift, (0.2, 0.1), atol=0.01)
    np.testing.assert_allclose(found.window, (0, 0, 0.8, 0.9), atol=0.02)


def test_grey_and_colour_can_be_aligned():
    grey = np.asarray(Image.fromarray(blocks(4)).convert("L"))
    assert align(grey, blocks(4)).correlation > 0.9


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_other_pictures_do_not_correlate(seed):
    found = align(blocks(seed), blocks(seed + 10))
    assert min(found.keypoints) >= ENOUGH_KEYPOINTS
    assert found.correlation < 0.4


@pytest.mark.parametrize("shape", [(1, 1), (2, 400), (31, 31), (32, 32), (64, 64, 3)])
def test_flat_and_tiny_pictures_are_not_aligned(shape):
    flat = np.full(shape, 70, np.uint8)
    found = align(flat, blocks(8))
    assert found.correlation == 0
    assert found.matches == 0
    assert found.keypoints[0] == 0
    assert math.isnan(found.scale)
    assert all(map(math.isnan, found.window))


def test_what_needs_keypoints_is_aligned_by_these_alone():
    picture = blocks(8)
    whole, part = describe(picture), describe(picture[20:])
    assert align_described(whole, part, need_keypoints=True) == align_described(whole, part)
    # too small for keypoints
    tiny = describe(np.asarray(Image.fromarray(picture).resize((30, 24))))
    assert align_described(tiny, tiny).correlation > 0.9
    nowhere = align_described(tiny, tiny, need_keypoints=True)
    assert nowhere.correlation == 0
    assert math.isnan(nowhere.angle)


def test_the_same_pair_always_gives_the_same_answer():
    left, right = blocks(9), blocks(9)[20:]
    assert align(left, right) == align(left, right)


def test_described_pictures_are_aligned_like_pictures():
    left, right = blocks(9), blocks(9)[20:, 10:]
    assert align_described(describe(left), describe(right)) == align(left, right)


def thing(shift=(0, 0), degrees=0.0, noise=0):
    """One thing, with many corners, on a plain ground."""
    page = Image.new("RGB", (300, 240), (245, 245, 245))
    page.paste(Image.fromarray(blocks(21, 120, 150)), (75 + shift[0], 60 + shift[1]))
    page = page.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(245, 245, 245))
    rng = np.random.default_rng(noise)
    noisy = np.asarray(page) + rng.normal(0, 1.5, (240, 300, 3))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("shift", "degrees"), [((9, 7), 0), ((0, 0), 2), ((-8, 6), -1.5)])
def test_a_thing_that_moved_on_a_plain_ground_is_loose(shift, degrees):
    found = align(thing(), thing(shift, degrees, noise=1))
    assert found.loose
    assert found.correlation > 0.95
    assert found.covered < 0.6


@pytest.mark.parametrize(
    "box", [(0, 0, 300, 240), (15, 12, 285, 228), (0, 0, 270, 240), (0, 20, 300, 240)]
)
def test_a_crop_on_a_plain_ground_is_not_loose(box):
    left, top, right, bottom = box
    found = align(thing(), thing(noise=1)[top:bottom, left:right])
    assert not found.loose
    assert found.correlation > 0.95


@pytest.mark.parametrize("degrees", [2, 10])
def test_a_turned_picture_with_detail_up_to_its_edges_is_not_loose(degrees):
    picture = Image.fromarray(blocks(22))
    turned = picture.rotate(degrees, Image.Resampling.BICUBIC)
    found = align(np.asarray(picture), np.asarray(turned))
    assert not found.loose
    assert found.covered > 0.8


def test_a_border_does_not_count():
    picture = blocks(23)
    bordered = np.pad(picture, ((30, 30), (40, 40), (0, 0)))
    for left, right, window in (
        (picture, bordered, (0, 0, 1, 1)),
        (bordered, picture, (40 / 380, 0.1, 340 / 380, 0.9)),
    ):
        found = align(left, right)
        assert found.correlation > 0.95
        np.testing.assert_allclose(found.window, window, atol=0.005)


@pytest.mark.parametrize(("down", "across"), [(60, 0), (0, 90)])
@pytest.mark.parametrize("covering", [True, False])
def test_bars_are_left_out_and_windows_are_of_whole_pictures(down, across, covering):
    picture = blocks(26, 240, 320)
    if covering:
        barred = np.zeros_like(picture)
        shown = np.s_[down : 240 - down, across : 320 - across]
        barred[shown] = picture[shown]
    else:
        barred = np.pad(picture, ((down, down), (across, across), (0, 0)))
    height, width = barred.shape[:2]
    inner = (across / width, down / height, 1 - across / width, 1 - down / height)
    found = align(barred, picture)
    assert found.correlation > 0.98
    assert found.covered > 0.85
    assert found.matched > 0.5
    np.testing.assert_allclose(found.window, inner, atol=0.01)
    np.testing.assert_allclose(found.other_window, inner if covering else (0, 0, 1, 1), atol=0.01)


def test_bars_are_found_beside_the_noise_of_a_jpeg():
    rng = np.random.default_rng(1)
    fine = Image.fromarray(rng.integers(0, 256, (100, 180)).astype(np.uint8))
    barred = np.pad(np.asarray(fine.resize((900, 500))), ((101, 101), (0, 0)))
    file = io.BytesIO()
    Image.fromarray(barred).save(file, "JPEG", quality=50)
    inner = (0, 101 / 702, 1, 601 / 702)
    np.testing.assert_allclose(describe(np.asarray(Image.open(file))).box, inner, atol=0.005)


def test_pictures_with_the_same_bars_show_the_same_frame():
    barred = np.pad(blocks(27), ((40, 40), (0, 0), (0, 0)))
    found = align(barred, np.clip(barred * 0.8, 0, 255).astype(np.uint8))
    assert found.window == found.other_window == (0, 0, 1, 1)
    # a crop of what they leave reaches no further than it does
    part = np.pad(blocks(27)[:, :200], ((40, 40), (0, 0), (0, 0)))
    np.testing.assert_allclose(align(barred, part).window, (0, 0, 2 / 3, 1), atol=0.02)


def test_keypoints_beside_the_overlap_do_not_count():
    page = blocks(28)
    found = align(page, np.ascontiguousarray(page[:216, :240]))
    assert found.keypoints[0] < 0.95 * len(describe(page).points)
    assert found.matched > 0.5


def test_what_is_small_in_a_picture_is_compared_at_its_own_resolution():
    # one pixel in six of this is left where the whole page is reduced
    rng = np.random.default_rng(31)
    fine = np.kron(rng.integers(0, 256, (70, 90)), np.ones((3, 3), int)).astype(np.uint8)
    page = np.full((500, 640), 235, np.uint8)
    page[40:250, 330:600] = fine
    found = align(page, fine)
    assert found.correlation > 0.98
    assert not found.loose
    np.testing.assert_allclose(found.window, (330 / 640, 0.08, 600 / 640, 0.5), atol=0.01)
    np.testing.assert_allclose(found.other_window, (0, 0, 1, 1), atol=0.01)
    # the page's frame is not the one of its part
    assert found.scale == pytest.approx(640 / 270, rel=0.05)


def test_what_text_leaves_is_alike():
    page = Image.fromarray(thing(noise=1))
    draw = ImageDraw.Draw(page)
    for top in (15, 195):
        draw.text((20, top), "SAMPLE TEXT", (200, 30, 30), ImageFont.load_default(30))
    found = align(thing(), np.asarray(page))
    assert found.alike > 0.9
    assert not found.loose
    np.testing.assert_allclose(found.window, (0, 0, 1, 1), atol=0.003)
    assert align(thing(), blocks(25)).alike < 0.5


@pytest.mark.parametrize("size", [(12, 16), (24, 31)])
def test_pictures_without_keypoints_are_aligned_by_their_frames(size):
    picture = Image.fromarray(blocks(24)).resize(size[::-1], Image.Resampling.BOX)
    tiny = np.asarray(picture)
    found = align(tiny, np.clip(tiny * 0.8 + 20, 0, 255).astype(np.uint8))
    assert found.keypoints == (0, 0)
    assert found.correlation > 0.95
    assert found.matched == 0


def test_without_opencv_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError, match="pip install opencv-python-headless"):
        align(blocks(1), blocks(1))


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize(
    ("cut", "box"),
    [
        ((0, 240, 0, 300), (0, 0, 1, 1)),
        ((24, 240, 60, 240), (0.2, 0.1, 0.8, 1)),
        ((0, 120, 0, 300), (0, 0, 1, 0.5)),
    ],
)
def test_the_box_of_a_part_in_the_whole_picture(cut, box, factor):
    whole = blocks(1)
    top, bottom, left, right = cut
    part = whole[top:bottom, left:right].repeat(factor, 0).repeat(factor, 1)
    found = align(part, whole)
    np.testing.assert_allclose(found.other_window, box, atol=0.02)
    # the whole picture covers all of its part
    back = align(whole, part)
    assert back.other_window == pytest.approx((0, 0, 1, 1), abs=0.02)


def test_the_box_of_a_turned_picture_is_cut_off():
    upright = blocks(1)[20:220, 40:260]
    turned = np.asarray(Image.fromarray(blocks(1)).rotate(90, expand=True))
    found = align(upright, turned)
    # 20 pixels of 240 are left and right of it, 40 of 300 below and above
    box = found.other_window
    np.testing.assert_allclose(box, (20 / 240, 40 / 300, 220 / 240, 260 / 300), atol=0.02)
    turned = np.asarray(Image.fromarray(blocks(1)).rotate(20))
    assert align(blocks(1), turned).other_window == (0, 0, 1, 1)


def test_there_is_no_box_where_nothing_is_aligned():
    flat = np.zeros((50, 50), np.uint8)
    assert np.isnan(align(flat, flat).other_window).all()
