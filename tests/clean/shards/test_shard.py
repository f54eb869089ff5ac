"""Ranges of a container that go to a new file: inside the system, or through this process."""

import errno
import os
import sys

import numpy as np
import pytest

from fastphash.clean.shards import shard
from fastphash.clean.shards.shard import Range, copy_range
from fastphash.files.assembled import assemble_file
from fastphash.sources.containers.input import FileInput, InputError

PIECES = [b"head", Range(3, 5000), Range(0, 1), b"between", Range(9000, 200_000), b"end"]
copy_file_range = getattr(os, "copy_file_range", None)


def refused(*_):
    raise OSError(errno.EXDEV, "other devices")


def never_more_than_a_thousand(source, target, size, *offsets):
    return copy_file_range(source, target, min(size, 1000), *offsets)


def full_after_a_while(source, target, size, start, at):
    if at > 100_000:
        raise OSError(errno.ENOSPC, "no space")
    return copy_file_range(source, target, size, start, at)


@pytest.fixture
def container(tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(np.random.default_rng(1).bytes(200_000))
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux copies from file to file")
@pytest.mark.parametrize("call", [refused, never_more_than_a_thousand, full_after_a_while, None])
def test_pieces_come_in_their_order_however_they_are_copied(container, tmp_path, monkeypatch, call):
    monkeypatch.setattr(shard, "_TAKEN", 50_000)
    if call:
        monkeypatch.setattr(os, "copy_file_range", call)
    source = FileInput(os.fsencode(container))

    def write(output):
        for piece in PIECES:
            if isinstance(piece, bytes):
                output.write(piece)
            else:
                copy_range(source, piece, output)

    target = tmp_path / "new.tar"
    assert assemble_file(os.fsencode(target), os.fsencode(container), write, lambda: None)
    data = container.read_bytes()
    pieces = [one if isinstance(one, bytes) else data[one.start : one.end] for one in PIECES]
    assert target.read_bytes() == b"".join(pieces)
    # compared with what is there
    assert not assemble_file(os.fsencode(target), os.fsencode(container), write, lambda: None)
    source.close()


def test_a_container_that_becomes_shorter_is_cut_short(container, tmp_path):
    source = FileInput(os.fsencode(container))
    os.truncate(container, 150_000)
    target = os.fsencode(tmp_path / "new.tar")
    with pytest.raises(InputError, match="it is cut short"):
        assemble_file(
            target,
            os.fsencode(container),
            lambda output: copy_range(source, Range(0, 200_000), output),
            lambda: None,
        )
    assert not os.path.exists(target)
    source.close()
