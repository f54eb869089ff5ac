"""Looks in worker processes: in any order, bounded, and past files that are gone or no images."""

import re
import sys
import time
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
import xxhash

from fastphash.base.vocabulary import DIFFERENT, ORIENTATIONS, SAME, UNKNOWN_COLOUR
from fastphash.errors import UsageError
from fastphash.images.encode import encode
from fastphash.images.rendering import Rendering
from fastphash.looks import run
from fastphash.looks.local_change import CHANGED
from fastphash.looks.run import LookFile, LookTask, LookWorkers, look_at_pairs, why_unaligned
from fastphash.looks.table import Look
from tests.support.byte_reader import ByteReader
from tests.support.encoded_samples import tiff_of


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
    tasks = [*(LookTask(plain, one) for one in bad), LookTask(plain, spotted)]
    found = look_at_pairs([*tasks, LookTask(bad[0], plain), LookTask(bad[0], bad[1])])
    assert found.looked.tolist() == [False] * len(bad) + [True, False, False]
    of_last = [[False, False], [True, False], [True, True]]
    assert found.unreadable.tolist() == [[False, True]] * len(bad) + of_last
    found = look_at_pairs(tasks)
    assert np.isnan(found.strength[:-1]).all()


def test_of_no_pairs_nothing_is_told():
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


def test_jpegs_are_aligned_in_grey_unless_colours_are_looked_at(photo):
    plain, small = (file(encode(photo(*shape, 3), "JPEG", 90)) for shape in ((90, 120), (60, 80)))
    both = LookTask(plain, small, aligned=True, compared=False)
    assert [task.grey for task in (both, both._replace(coloured=True), LookTask(*both[:2]))] == [
        True,
        False,
        False,
    ]
    found = look_at_pairs([both, both._replace(compared=True)])
    np.testing.assert_allclose(found.correlation[0], found.correlation[1], atol=0.02)
    pictures = run._Pictures()
    # each is kept apart, and not taken for the other
    shapes = [pictures.decode(plain, grey=grey).shape for grey in (True, False, True)]
    assert shapes == [(90, 120), (90, 120, 3), (90, 120)]


def test_a_library_that_cannot_be_loaded_is_no_opencv(tmp_path, monkeypatch):
    folder = tmp_path / "cv2"
    folder.mkdir()
    (folder / "__init__.py").write_text("from cv2.native import *")
    (folder / f"native{EXTENSION_SUFFIXES[0]}").write_bytes(b"no library")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cv2"]:
        monkeypatch.delitem(sys.modules, name)
    assert re.search(r"OpenCV is broken \(.*native.*\): pip install", why_unaligned())


def test_only_what_is_asked_is_compared(files):
    found = look_at_pairs([LookTask(*files, aligned=True, compared=False)])
    assert found.looked[0]
    assert found.correlation[0] > 0.5
    assert 0 < found.matched[0] <= 1
    assert 0 < found.covered[0] <= 1
    assert np.isnan(found.strength[0])


@pytest.mark.parametrize("compared", [True, False])
def test_colours_are_compared_where_that_is_asked(files, photo, compared):
    plain, spotted = files
    half = np.ascontiguousarray(np.rot90(picture(photo, spot=True)[::2, ::2]))
    turned = file(encode(half, "PNG"))
    task = LookTask(plain, plain, compared=compared, coloured=True)
    quarter = ORIENTATIONS.index("rotate_90")
    asked = [task, task._replace(left=spotted, right=turned, orientation=quarter)]
    found = look_at_pairs([*asked, LookTask(plain, spotted, compared=compared)])
    assert found.looked.all()
    assert found.colour.tolist() == [SAME, SAME, UNKNOWN_COLOUR]
    assert not found.recoloured.any()
    assert np.isnan(found.strength).all() == (not compared)


def test_a_thing_in_another_colour_on_its_ground_is_surely_recoloured():
    red, blue = np.full((2, 120, 120, 3), 255, np.uint8)
    red[30:90, 30:90], blue[30:90, 30:90] = (180, 30, 30), (30, 30, 180)
    found = look_at_pairs(
        [LookTask(file(encode(red, "PNG")), file(encode(blue, "PNG")), coloured=True)]
    )
    assert (found.colour.tolist(), found.recoloured.tolist()) == ([DIFFERENT], [True])


def test_the_keypoints_of_a_picture_are_found_once_in_each_orientation(files, monkeypatch):
    described = []
    describe = run.describe

    def count(picture):
        described.append(picture.shape)
        return describe(picture)

    monkeypatch.setattr(run, "describe", count)
    monkeypatch.setattr(run, "_DESCRIBED", 2)
    pictures = run._Pictures()
    plain, spotted = files
    quarter = ORIENTATIONS.index("rotate_90")
    for file, orientation in ((plain, 0), (plain, quarter), (plain, 0), (spotted, 0)):
        pictures.describe(file, orientation)
    assert described == [(90, 120, 3), (120, 90, 3), (90, 120, 3)]
    # the quarter turn was used least lately
    pictures.describe(plain)
    assert len(described) == 3
    pictures.describe(plain, quarter)
    assert len(described) == 4


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


class Supervised:
    """Processes that find nothing."""

    started: list[int]
    closed: int

    def __init__(self, count, *_):
        self.started.append(count)

    def map(self, tasks, _refusals):
        return ([Look(None, None, None)] * len(part) for part in tasks)

    def close(self):
        type(self).closed += 1

    def __exit__(self, *_):
        self.close()


def test_processes_are_kept_until_more_are_needed(files, monkeypatch):
    Supervised.started, Supervised.closed = [], 0
    monkeypatch.setattr(run, "Supervisor", Supervised)
    monkeypatch.setattr(run, "core_count", lambda: 2)
    monkeypatch.setattr(run, "free_memory", lambda: 8 << 30)
    with run.LookWorkers() as workers:
        assert workers.look([]).looked.size == 0
        assert Supervised.started == []
        for pairs in (3, 5, 100, 7, 200):
            assert workers.look([LookTask(*files)] * pairs).looked.all()
        assert (Supervised.started, Supervised.closed) == ([1, 2], 1)
    assert Supervised.closed == 2


def test_processes_may_be_started_before_there_are_pairs(files, monkeypatch):
    Supervised.started, Supervised.closed = [], 0
    monkeypatch.setattr(run, "Supervisor", Supervised)
    with run.LookWorkers() as workers:
        workers.prepare(1)
        assert workers.look([LookTask(*files)]).looked.all()
        assert Supervised.started == [1]


@pytest.mark.slow
def test_a_file_that_ends_its_worker_costs_its_own_pairs(files):
    plain, spotted = files
    # so many that a worker is given several at once
    others = [LookTask(plain, plain)] * 23
    found = look_at_pairs([LookTask(spotted._replace(path=b"crash"), plain), *others])
    assert found.looked.tolist() == [False] + [True] * len(others)


class HangingReader(NamedTuple):
    """Notes each time that it is asked, and never answers."""

    tried: Path

    def read_hashed(self, path, size, *, follow_links=True):
        with open(self.tried, "a") as file:
            file.write("x")
        time.sleep(3600)


@pytest.mark.slow
def test_a_picture_that_takes_too_long_costs_its_time_once(files, tmp_path, monkeypatch):
    plain, spotted = files
    monkeypatch.setattr(run, "_TIMEOUT", 3.0)
    hanging = LookFile(HangingReader(tmp_path / "tried"), b"a", 1, b"h" * 16)
    with LookWorkers() as workers:
        tasks = [LookTask(hanging, plain), LookTask(plain, spotted), LookTask(spotted, hanging)]
        found = workers.look(tasks)
        again = workers.look([*tasks, LookTask(hanging, hanging)])
    assert found.unreadable.tolist() == [[True, False], [False, False], [False, True]]
    assert found.looked.tolist() == [False, True, False]
    assert again.unreadable.tolist() == [*found.unreadable.tolist(), [True, True]]
    assert (tmp_path / "tried").read_text() == "xx"


def test_a_picture_that_needs_the_room_of_others_gets_it(files, monkeypatch):
    pictures = run._Pictures()
    plain, spotted = files
    assert not pictures.cannot_decode(plain)
    decode = run.decode_picture

    def too_little_room(data, **given):
        if pictures._kept:
            raise MemoryError
        return decode(data, **given)

    monkeypatch.setattr(run, "decode_picture", too_little_room)
    assert not pictures.cannot_decode(spotted)
    monkeypatch.setattr(run, "decode_picture", mock.Mock(side_effect=MemoryError))
    assert not pictures.cannot_decode(spotted)
    assert pictures.cannot_decode(plain)


def test_files_are_looked_at_as_they_were_hashed(photo):
    values = photo(90, 120, 3, 1).astype(np.uint16)
    values[0, 0] = 65535
    image = file(tiff_of(values))
    pictures = run._Pictures()
    # by the rule of older stores, one hot pixel leaves nothing of the rest
    assert np.ptp(pictures.decode(image)[1:]) <= 1
    assert np.ptp(pictures.decode(image._replace(rendering=Rendering()))[1:]) == 255
    assert np.ptp(pictures.decode(image)[1:]) <= 1
