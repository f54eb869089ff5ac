import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastphash.report import pictures
from fastphash.report.pictures import NO_ROOM, _side
from fastphash.store.schema import Layout
from tests.support.report_pages import again, audited, pixels, sources_of
from tests.support.scenes import save, scene, scenes


def lost(tmp_path, change, **options):
    """A report after a change to the files of an audit of two equal pictures in `all`."""
    folder = scenes(tmp_path / "all", [1])
    save(folder / "copy.bmp", scene(1)[::-1])
    out = audited(tmp_path / "out", ("all", folder), **options)
    change(folder)
    return again(out, tmp_path / "report.html")


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda folder: (folder / "001.png").unlink(), "the file is gone"),
        (lambda folder: save(folder / "001.png", scene(2)), "the file has changed since the audit"),
        (lambda folder: flip(folder / "001.png"), "the file has changed since the audit"),
        (lambda folder: fifo(folder / "001.png"), "the file has changed since the audit"),
        (lambda folder: nest(folder / "001.png"), "the file can't be read"),
    ],
    ids=["gone", "other", "flipped", "pipe", "folder"],
)
def test_a_lost_file_is_shown_by_its_thumbnail(tmp_path, change, note):
    found = lost(tmp_path, change)
    assert found.text.count(f"thumbnail: {note}") == 1
    sizes = {text: pixels(uri).shape for text, uri in sources_of(found).items()}
    assert sorted(set(sizes.values())) == [(32, 32, 3), (48, 64, 3)]
    small = [uri for uri in sources_of(found).values() if pixels(uri).shape[0] == 32]
    wanted = Image.fromarray(scene(1)).convert("L").resize((32, 32))
    assert any(np.abs(pixels(uri)[..., 0] - np.asarray(wanted, int)).mean() < 4 for uri in small)


def flip(path):
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def nest(path):
    path.unlink()
    path.mkdir()


def test_without_thumbnails_a_lost_file_has_no_picture(tmp_path):
    found = lost(
        tmp_path,
        lambda folder: (folder / "001.png").unlink(),
        layout=Layout(thumbnails=False),
    )
    assert "no picture: the file is gone, and the store has no thumbnail" in found.text
    assert len(found.attributes("img", "src")) in (1, 2)


def test_equal_files_are_read_once_from_whichever_is_left(tmp_path):
    folder = scenes(tmp_path / "all", [1])
    (folder / "again.png").write_bytes((folder / "001.png").read_bytes())
    out = audited(tmp_path / "out", ("all", folder))
    before = (out / "report.html").read_bytes()
    (folder / "001.png").unlink()
    again(out, out / "report.html")
    assert (out / "report.html").read_bytes() == before


def test_files_that_take_too_long_are_shown_by_their_thumbnails(data, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "_WORK", 0)
    found = again(data, tmp_path / "report.html")
    assert "thumbnail: the file is too large to be read for this page" in found.text
    assert {pixels(uri).shape for uri in found.attributes("img", "src")} == {(32, 32, 3)}


def test_pictures_have_a_budget(data, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "BUDGET", 5000)
    found = again(data, tmp_path / "report.html")
    sizes = [len(uri) for uri in found.attributes("img", "src")]
    assert 0 < sum(sizes) <= 5000
    assert NO_ROOM in found.text
    assert len(found.groups) == 6


@given(st.integers(0, 10**6), st.integers(1, 10**8))
def test_more_pictures_are_smaller_ones(count, budget):
    side = _side(count, budget)
    assert 64 <= side <= 160
    assert side % 8 == 0
    assert side >= _side(count + 1, budget)
