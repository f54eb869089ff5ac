"""Looks in worker processes: in any order, bounded, and past files that are gone or no images."""

import sys

import numpy as np
import pytest
import xxhash
from PIL import Image

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import UsageError
from fastphash.images.encode import encode
from fastphash.looks import run
from fastphash.looks.aligned import align
from fastphash.looks.local_change import CHANGED
from fastphash.looks.run import LookFile, LookTask, box_in_right, look_at_pairs, why_unaligned
from tests.support.byte_reader import ByteReader


def picture(photo, spot=False):
    pixels = photo(90, 120, 3).copy()
    if spot:
        pixels[20:32, 60:84] = (250, 20, 20)
    return pixels


def file(data, digest=None):
    return LookFile(
        ByteReader({b"a": data}), b"a", len(data), digest or xxhash.xxh3_128_digest(data)
    )


@pytest.fixture
def files(photo):
    return [file(encode(picture(photo, spot), "PNG")) for spot in (False, True)]


def test_pairs_are_answered_in_their_order(files, photo):
    plain, spotted = files
    copy = file(encode(picture(photo), "JPEG", 80))
    told = []
    found = look_at_pairs(
        [LookTask(spotted, plain), LookTask(plain, copy), LookTask(spotted, spotted)],
        progress=lambda *step: told.append(step),
    )
    assert found.looked.all()
    assert (found.strength >= CHANGED).tolist() == [True, False, False]
    np.testing.assert_allclose(found.place[0], (0.5, 20 / 90, 0.7, 32 / 90), atol=0.03)
    assert np.isnan(found.correlation).all()
    assert told == [("looking", done, 3) for done in (1, 2, 3)]


def test_a_turned_copy_is_turned_back_and_its_place_told_in_the_right_frame(photo):
    quarter = ORIENTATIONS.index("rotate_90")
    left = file(encode(picture(photo), "PNG"))
    right = file(encode(np.rot90(picture(photo, spot=True)), "PNG"))
    same = file(encode(np.ascontiguousarray(np.rot90(picture(photo))), "PNG"))
    found = look_at_pairs([LookTask(left, right, quarter), LookTask(left, same, quarter)])
    assert found.strength[0] >= CHANGED
    assert found.strength[1] == 0
    np.testing.assert_allclose(found.place[0], (20 / 90, 0.3, 32 / 90, 0.5), atol=0.03)


def test_files_that_are_gone_changed_or_no_images_are_not_looked_at(files, photo):
    plain, spotted = files
    text = b"no image"
    bad = [
        file(text),
        file(encode(picture(photo), "BMP"), digest=b"x" * 16),
        file(text)._replace(path=b"gone"),
        plain._replace(digest=b"y" * 16, pixels=0, size=plain.size - 1),
    ]
    found = look_at_pairs([*(LookTask(plain, one) for one in bad), LookTask(plain, spotted)])
    assert found.looked.tolist() == [False] * len(bad) + [True]
    assert np.isnan(found.strength[:-1]).all()


def test_the_closest_calls_are_looked_at_first(files):
    tasks = [LookTask(*files)] * 4
    found = look_at_pairs(tasks, np.array([0.4, 0.1, 0.3, 0.2]), 2)
    assert found.looked.tolist() == [False, True, False, True]
    assert not look_at_pairs(tasks, looks=0).looked.any()
    assert look_at_pairs([]).looked.size == 0


def test_pairs_are_aligned_where_that_is_asked(files, monkeypatch):
    plain, _ = files
    found = look_at_pairs([LookTask(plain, plain, aligned=True), LookTask(plain, plain)])
    assert found.correlation[0] > 0.9
    assert found.keypoints[0] > 0
    assert np.isnan(found.correlation[1])
    np.testing.assert_allclose(
        [found.window[0], found.other_window[0]], [[0, 0, 1, 1]] * 2, atol=0.02
    )
    assert np.isnan(found.other_window[1]).all()
    assert why_unaligned() == ""
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert "pip install opencv-python-headless" in why_unaligned()
    with pytest.raises(UsageError, match="OpenCV"):
        look_at_pairs([LookTask(plain, plain, aligned=True)])


def corners(seed=1, height=240, width=300):
    """A picture with many corners."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width), 120, np.uint8)
    for y, x, level in zip(*rng.integers(0, (height, width, 256), (120, 3)).T, strict=True):
        pixels[y : y + 20, x : x + 15] = level
    return pixels


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
    whole = corners()
    top, bottom, left, right = cut
    part = whole[top:bottom, left:right].repeat(factor, 0).repeat(factor, 1)
    found = align(part, whole)
    np.testing.assert_allclose(box_in_right(found, part.shape, whole.shape), box, atol=0.02)
    # the whole picture covers all of its part
    back = align(whole, part)
    assert box_in_right(back, whole.shape, part.shape) == pytest.approx((0, 0, 1, 1), abs=0.02)


def test_the_box_of_a_turned_picture_is_cut_off():
    upright = corners()[20:220, 40:260]
    turned = np.asarray(Image.fromarray(corners()).rotate(90, expand=True))
    found = align(upright, turned)
    # 20 pixels of 240 are left and right of it, 40 of 300 below and above
    box = box_in_right(found, upright.shape, turned.shape)
    np.testing.assert_allclose(box, (20 / 240, 40 / 300, 220 / 240, 260 / 300), atol=0.02)
    turned = np.asarray(Image.fromarray(corners()).rotate(20))
    assert box_in_right(align(corners(), turned), (240, 300), (240, 300)) == (0, 0, 1, 1)


def test_there_is_no_box_where_nothing_is_aligned():
    flat = np.zeros((50, 50), np.uint8)
    assert np.isnan(box_in_right(align(flat, flat), flat.shape, flat.shape)).all()


def test_a_picture_is_decoded_once_while_it_is_kept(files, monkeypatch):
    decoded = []
    decode = run.decode_picture

    def count(data, **options):
        decoded.append(data)
        return decode(data, **options)

    monkeypatch.setattr(run, "decode_picture", count)
    pictures = run._Pictures()
    for one in (*files, *files):
        pictures.decode(one)
    assert len(decoded) == 2
    monkeypatch.setattr(run, "_KEPT", 0)
    pictures = run._Pictures()
    for one in (*files, *files):
        pictures.decode(one)
    assert len(decoded) == 6


@pytest.mark.slow
def test_a_file_that_ends_its_worker_costs_its_own_pairs(files):
    plain, spotted = files
    found = look_at_pairs(
        [LookTask(spotted._replace(path=b"crash"), plain), LookTask(plain, plain)]
    )
    assert found.looked.tolist() == [False, True]
