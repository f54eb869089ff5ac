"""Fault 54 again: what a move that fails or is killed leaves, and what is said of it."""

import errno
import json
import os
import resource
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from unittest import mock

import pytest
import xxhash

from fastphash.clean.apply import apply_plan
from fastphash.clean.journal import JOURNAL
from fastphash.clean.undo import undo_moves
from fastphash.errors import FastphashError, UsageError
from fastphash.files import durable_move, exclusive_rename, parquet
from fastphash.files.durable_move import move_file
from fastphash.files.own_names import taken_name
from tests.faults.test_clean import Small, own_names_in, place, readable, small
from tests.support.command_line import FAILED, run
from tests.support.disks import elsewhere
from tests.support.scenes import save, scene

__all__ = ["place", "small"]


class Killed(BaseException):
    """Ends a move wherever it is."""


@contextmanager
def killed_when_the_first_file_has_lost_its_name():
    """From then on nothing changes what is on the disk: nothing is tidied up."""
    names = ("link", "unlink", "symlink", "replace", "rename", "rmdir", "fsync")

    def end(*_, **__):
        raise Killed

    with ExitStack() as stack:

        def kill(*_):
            for name in names:
                stack.enter_context(mock.patch.object(os, name, end))
            stack.enter_context(mock.patch.object(exclusive_rename, "_rename_in_one_step", end))
            raise Killed

        stack.enter_context(mock.patch.object(durable_move, "_check_bytes", kill))
        yield


def journal_of(found):
    """Old names in an audit's journal."""
    path = found.folder / JOURNAL
    return parquet.read_table(path)["from"].to_pylist() if path.exists() else []


# the journal


def test_54_moves_that_the_target_refuses_leave_the_journal(small, place):
    plan = small.plan(keep_in=["val"])
    place.mkdir()
    # train is a file there: no folder of this name can be made
    (place / "train").write_text("mine")
    applied = apply_plan(plan, "move", place)
    assert (applied.done, len(applied.skipped)) == (0, applied.planned)
    assert {why for *_, why in applied.skipped} <= {"File exists", "Not a directory"}
    assert not (small.folder / JOURNAL).exists()
    with pytest.raises(UsageError, match="nothing was moved"):
        undo_moves(small.folder)
    assert readable(plan, range(len(plan))) == list(range(len(plan)))


@contextmanager
def files_of_at_most(size):
    """As on a full disk: longer files can't be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_54_moves_for_which_there_is_no_room_leave_the_journal(tmp_path):
    large, little = "a" * 1_000_000, "b1"
    files = {"train/1": large, "train/3": little, "val/2": large, "val/4": little}
    found = Small(tmp_path, files)
    plan = found.plan(keep_in=["val"])
    with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
        with files_of_at_most(100_000):
            applied = apply_plan(plan, "move", Path(folder))
        assert (applied.done, len(applied.skipped)) == (1, 1)
        assert journal_of(found) == [plan.file(found.names.index("train/3"))]
        undone = undo_moves(found.folder)
    assert (undone.planned, undone.done, undone.already) == (1, 1, 0)
    assert readable(plan, range(len(plan))) == list(range(len(plan)))


def test_54_a_move_that_was_made_before_the_disk_failed_stays_in_the_journal(small, place):
    plan = small.plan()
    real = durable_move.sync_folder

    def fails(folder, *descriptor):
        if os.fsencode(folder).startswith(os.fsencode(place)):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(folder, *descriptor)

    with mock.patch.object(durable_move, "sync_folder", fails):
        applied = apply_plan(plan, "move", place)
    assert len(applied.skipped) == len(journal_of(small)) == 3
    undone = undo_moves(small.folder)
    assert undone.skipped == []
    assert readable(plan, range(len(plan))) == list(range(len(plan)))


# images that an interrupted move holds


@pytest.fixture
def interrupted(tmp_path):
    """An audit by the command line, of which a move was killed: train/sub/k.png has no name."""
    save(tmp_path / "train/sub/k.png", scene(1))
    save(tmp_path / "val/k.png", scene(1))
    for seed in (2, 3):
        save(tmp_path / f"train/{seed}.png", scene(seed))
    run("audit", "train=train", "val=val", "-o", "out", "--keep-in", "val", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    words = ["clean", "out", "aside", "--apply", "--to", "move"]
    with killed_when_the_first_file_has_lost_its_name(), pytest.raises(Killed):
        run(*words, cwd=tmp_path)
    assert not (tmp_path / "train/sub/k.png").exists()
    return tmp_path


@pytest.mark.parametrize(("out", "hidden"), [("out", []), ("new", ["--hidden"])])
def test_54_an_audit_says_which_image_an_interrupted_move_holds(interrupted, out, hidden):
    done = run("audit", "train=train", "val=val", "-o", out, *hidden, cwd=interrupted)
    assert "Warning: 'train/sub/.fastphash-taken-k.png' is an image whose move was" in done.stderr
    shown = " ".join(done.stdout.split())
    assert "Left out, because a move was interrupted 1 image" in shown
    assert "fastphash clean OUT --undo" in shown
    assert "hidden" not in shown
    splits = json.loads((interrupted / out / "summary.json").read_text())["splits"]
    assert [splits[name]["unfinished"] for name in ("train", "val")] == [1, 0]
    assert [splits[name]["hidden"] for name in ("train", "val")] == [0, 0]
    run("clean", "out", "--undo", cwd=interrupted)
    assert (interrupted / "train/sub/k.png").exists()
    done = run("audit", "train=train", "val=val", "-o", out, cwd=interrupted)
    assert "interrupted" not in done.stdout + done.stderr


def test_54_hash_says_so_too_though_nothing_else_is_left_of_the_split(interrupted):
    done = run("hash", "train=train", "val=val", "-o", "s", "--json", cwd=interrupted)
    tallies = json.loads(done.stdout)
    assert (tallies["train"]["unfinished"], tallies["train"]["hidden"]) == (1, 0)
    for seed in (2, 3):
        (interrupted / f"train/{seed}.png").unlink()
    done = run("audit", "train=train", "val=val", "-o", "new", cwd=interrupted, status=FAILED)
    assert "'train/sub/.fastphash-taken-k.png' is an image" in done.stderr


def test_54_undo_removes_the_folders_that_a_killed_move_had_made(interrupted):
    assert (interrupted / "aside" / "train" / "sub").is_dir()
    run("clean", "out", "--undo", cwd=interrupted)
    assert not (interrupted / "aside" / "train").exists()
    assert not own_names_in(interrupted)


def test_54_undo_leaves_folders_with_files_of_others(interrupted):
    (interrupted / "aside" / "train" / "mine").write_text("mine")
    run("clean", "out", "--undo", cwd=interrupted)
    assert os.listdir(interrupted / "aside" / "train") == ["mine"]


def test_54_undo_removes_the_draft_of_a_first_journal(small):
    draft = small.folder / f"_{JOURNAL}.fastphash.tmp"
    draft.write_bytes(b"half")
    with pytest.raises(UsageError, match="nothing was moved"):
        undo_moves(small.folder)
    assert not draft.exists()


def test_54_undo_of_nothing_writes_nothing(small):
    with pytest.raises(UsageError, match="nothing was moved"):
        undo_moves(small.folder)
    assert os.listdir(small.folder) == []


# a disk that fails for a moment


@contextmanager
def failing_once(number):
    """A disk of which one look at a file fails, counted from 0."""
    real, calls = os.lstat, []

    def lstat(path, **options):
        calls.append(path)
        if len(calls) == number + 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return real(path, **options)

    with mock.patch.object(os, "lstat", lstat):
        yield calls


@pytest.mark.parametrize("kind", ["link", "file"])
def test_54_a_look_that_fails_makes_no_link_a_file(tmp_path, kind):
    """A link stays a link, and a file with its bytes is left, on whichever device."""
    content = b"picture"
    for number in range(60):
        root = tmp_path / str(number)
        root.mkdir()
        (root / "real").write_bytes(content)
        source = root / "k"
        source.symlink_to("real") if kind == "link" else source.write_bytes(content)
        with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
            target = Path(folder) / "sub" / "k"
            with failing_once(number) as calls, suppress(OSError, FastphashError):
                move_file(os.fsencode(source), os.fsencode(target), xxhash.xxh3_128_digest(content))
            taken = Path(os.fsdecode(taken_name(os.fsencode(source))))
            there = [path for path in (source, taken, target) if os.path.lexists(path)]
            assert there, number
            for path in there:
                assert path.is_symlink() == (kind == "link"), number
                if kind == "file":
                    assert path.read_bytes() == content
        if len(calls) <= number:
            break
    assert 5 < number < 59
