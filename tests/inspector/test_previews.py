import os

import numpy as np
import pytest
from PIL import Image as PillowImage

from fastphash.inspector.previews import Previews
from fastphash.results.preview_workers import Preview, PreviewPool
from fastphash.sources.protocol import OutsideError
from tests.support.audits import pair, write_audit
from tests.support.inspector_state import catalog_of, copies
from tests.support.scenes import save, scene


def pixels_of(data):
    import io

    return np.asarray(PillowImage.open(io.BytesIO(data)))


def test_a_copy_is_turned_into_its_keepers_frame(planted_audit):
    catalog = catalog_of(planted_audit / "out")
    previews = Previews(catalog)
    turned = 0
    for number in np.flatnonzero(catalog.columns.is_copy).tolist():
        row = catalog.row(number)
        copy = previews.preview(row, 320, row.orientation)
        keeper = previews.preview(catalog.row(row.keeper), 320, 0)
        assert copy.trouble == keeper.trouble == ""
        a, b = pixels_of(copy.data).astype(int), pixels_of(keeper.data).astype(int)
        assert a.shape == b.shape
        assert np.abs(a - b).mean() < 4
        turned += row.orientation > 0
    assert turned >= 2


def planted_copy(folder):
    """Previews, and a row whose file may be changed, with the file."""
    catalog = catalog_of(folder / "out")
    row = catalog.find_names(["train"], [b"again.png"])[0]
    return Previews(catalog), catalog.row(int(row)), folder / "train" / "again.png"


def test_a_file_that_changed_is_not_shown(audited):
    previews, row, path = planted_copy(audited)
    whole, other = path.read_bytes(), bytes(path.stat().st_size)
    assert previews.file_state(row) == "unchanged"
    before = previews.etag(row, 160, 0)
    os.utime(path, ns=(1, 1))
    assert previews.file_state(row, compare_bytes=True) == "unchanged"
    assert previews.preview(row, 160, 0).trouble == ""
    path.write_bytes(other)
    assert previews.file_state(row, compare_bytes=True) == "changed"
    shown = previews.preview(row, 160, 0)
    assert "changed" in shown.trouble
    assert pixels_of(shown.data).shape == (32, 32)
    assert previews.etag(row, 160, 0) != before
    path.write_bytes(whole + b"more")
    assert previews.file_state(row) == "changed"
    assert "changed" in previews.preview(row, 160, 0).trouble


def test_a_file_that_is_gone_or_no_file_is_not_waited_for(audited):
    previews, row, path = planted_copy(audited)
    thumbnail = pixels_of(previews.thumbnail(row, 0).data)
    path.unlink()
    for make in (lambda: None, lambda: os.mkfifo(path), path.mkdir):
        make()
        assert previews.file_state(row) == "gone"
        shown = previews.preview(row, 160, 2)
        assert "gone" in shown.trouble
        assert np.array_equal(pixels_of(shown.data), thumbnail[::-1, ::-1])
        if path.exists() and not path.is_dir():
            path.unlink()


def test_what_cannot_be_decoded_says_so(audited, monkeypatch):
    previews, row, _ = planted_copy(audited)
    refusal = Preview(b"", "decode: out of memory", undecodable=True)
    monkeypatch.setattr(PreviewPool, "make", lambda *_: refusal)
    assert "decode: out of memory" in previews.preview(row, 160, 0).trouble


def test_without_thumbnails_there_is_a_grey_place(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    catalog = catalog_of(out)
    shown = Previews(catalog).preview(catalog.row(0), 160, 0)
    assert "gone" in shown.trouble
    assert np.ptp(pixels_of(shown.data)) == 0


def test_the_cache_is_bounded(audited, monkeypatch):
    previews, row, _ = planted_copy(audited)
    first = previews.preview(row, 160, 0)
    assert previews.preview(row, 160, 0) is first
    monkeypatch.setattr("fastphash.inspector.previews._CACHED_BYTES", len(first.data) + 100)
    previews.preview(row, 160, 1)
    assert previews._cached_bytes <= len(first.data) + 100
    assert previews.preview(row, 160, 0) is not first


def test_files_of_a_list_may_lie_anywhere(tmp_path):
    save(tmp_path / "else" / "a.png", scene(1))
    out = write_audit(
        tmp_path / "out",
        [[pair("train", os.fsencode(tmp_path / "else" / "a.png"))] * 1 + [pair("train", b"b.png")]],
    )
    catalog = catalog_of(out)
    assert Previews(catalog).file_state(catalog.row(0)) == "changed"
    (tmp_path / "secret").write_text("x")
    (tmp_path / "else" / "a.png").unlink()
    (tmp_path / "else" / "a.png").symlink_to(tmp_path / "secret")
    assert Previews(catalog).file_state(catalog.row(0)) == "outside"
    with pytest.raises(OutsideError):
        Previews(catalog).preview(catalog.row(0), 160, 0)
