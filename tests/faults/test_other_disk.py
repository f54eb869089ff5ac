"""Fault 52 again: what belongs to a file beside its bytes, on the way to another disk and back."""

import logging
import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest
import xxhash

from fastphash.clean.apply import apply_plan
from fastphash.clean.undo import undo_moves
from fastphash.files import file_attributes
from fastphash.files.durable_move import move_file
from tests.faults.test_clean import Small, small
from tests.support.disks import elsewhere
from tests.support.skipping import missing

__all__ = ["small"]


@pytest.fixture
def other(tmp_path):
    """A folder on another disk."""
    with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
        yield Path(folder)


def there_and_back(path, other):
    """Move a file, or a link, to another disk and back: its status after each way."""
    digest = xxhash.xxh3_128_digest(b"" if path.is_symlink() else path.read_bytes())
    names = [os.fsencode(path), os.fsencode(other / "sub" / "k")]
    found = []
    for source, target in (names, names[::-1]):
        assert move_file(source, target, digest)
        found.append((os.lstat(target), Path(os.fsdecode(target))))
    return found


def belongs(status):
    return status.st_uid, status.st_gid, status.st_mode, status.st_mtime_ns


def test_52_owner_mode_times_and_attributes_come_back(tmp_path, other):
    path = tmp_path / "k"
    path.write_bytes(b"picture")
    try:
        for folder in (tmp_path, other):
            (folder / "x").touch()
            os.setxattr(folder / "x", "user.note", b"x")
    except OSError:
        missing("no extended attributes here")
    os.setxattr(path, "user.note", b"mine")
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
    os.chmod(path, 0o640)
    os.utime(path, ns=(1, 1_234_567_890_123_456_789))
    before = belongs(path.stat())
    noted = []
    for status, name in there_and_back(path, other):
        assert belongs(status) == before
        noted.append(os.path.lexists(name) and os.getxattr(name, "user.note"))
    assert noted[-1] == b"mine"


def test_52_owner_and_times_of_a_link_come_back(tmp_path, other):
    path = tmp_path / "k"
    path.symlink_to("nowhere")
    os.utime(path, ns=(1, 1_234_567_890_123_456_789), follow_symlinks=False)
    if os.geteuid() == 0:
        os.lchown(path, 1234, 2345)
    before = belongs(path.lstat())
    assert [belongs(status) for status, _ in there_and_back(path, other)] == [before] * 2


def test_52_holes_stay_holes(tmp_path, other):
    path = tmp_path / "k"
    with open(path, "wb") as file:
        file.write(b"head")
        file.seek(8 << 20)
        file.write(b"middle")
        file.truncate(16 << 20)
    content, room = path.read_bytes(), path.stat().st_blocks
    assert room * 512 < 1 << 20
    for status, _ in there_and_back(path, other):
        assert status.st_blocks * 512 < 1 << 20
    assert path.read_bytes() == content


def test_52_a_file_of_zeros_without_holes_is_written(tmp_path, other):
    path = tmp_path / "k"
    path.write_bytes(bytes(300_000))
    there_and_back(path, other)
    assert path.read_bytes() == bytes(300_000)


def said(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_52_what_does_not_come_back_is_said_before(tmp_path, other, caplog):
    found = Small(tmp_path, {"val/k": "a1", "train/h": "a1", "train/i": "train/h"})
    plan = found.plan()
    with mock.patch.object(file_attributes.os, "fchown", side_effect=PermissionError):
        apply_plan(plan, "move", other / "aside")
    (text,) = said(caplog)
    assert text == (
        f"'{other / 'aside'}' is on another disk: images that are moved there lose hard links and "
        "owners, and come back without"
    )
    assert not list(other.glob(".fastphash-*"))
    undo_moves(found.folder)


def test_52_nothing_is_said_where_nothing_is_lost(small, other, tmp_path, caplog):
    apply_plan(small.plan(), "move", tmp_path / "aside")
    undo_moves(small.folder)
    apply_plan(small.plan(), "move", other / "aside")
    assert said(caplog) == []
