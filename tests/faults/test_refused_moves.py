"""Faults 52 to 54 again: disks that refuse, folders that are renamed, and two runs at once."""

import errno
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest
import xxhash

from fastphash.clean.apply import apply_plan
from fastphash.clean.drafts import Drafts
from fastphash.clean.journal import JOURNAL
from fastphash.clean.undo import undo_moves
from fastphash.errors import UsageError
from fastphash.files import durable_move, durable_transfer, exclusive_rename
from fastphash.files.durable_move import move_file
from fastphash.files.durable_transfer import copy_file, link_file, symlink_file
from fastphash.files.held_folder import HeldFolder
from fastphash.files.own_copies import TakenError, own_copy
from fastphash.files.own_names import copy_names
from tests.faults.test_clean import everything, own_names_in, readable, small
from tests.support.command_line import command, run, screen
from tests.support.disks import elsewhere
from tests.support.scenes import scenes

__all__ = ["small"]

CONTENT = b"picture"
DIGEST = xxhash.xxh3_128_digest(CONTENT)


@pytest.fixture(params=["same", "other"])
def where(request, tmp_path):
    """A folder on the same device as the images, or on another one."""
    parent = elsewhere(tmp_path) if request.param == "other" else tmp_path
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def refusing(target, number):
    """A disk that gives no file below a folder a name, nor takes a byte."""
    below, rename, copy = (
        os.fsencode(target),
        exclusive_rename._rename_in_one_step,
        durable_transfer._copy_open,
    )

    def refuse(path):
        if path.startswith(below):
            raise OSError(number, os.strerror(number), path)

    def renaming(path, new):
        refuse(new)
        return rename(path, new)

    def copying(original, written):
        refuse(written.name)
        return copy(original, written)

    return (
        mock.patch.object(exclusive_rename, "_rename_in_one_step", renaming),
        mock.patch.object(durable_transfer, "_copy_open", copying),
    )


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EROFS", "ENAMETOOLONG", "EIO"])
def test_52_a_disk_that_refuses(small, where, name):
    plan = small.plan()
    before = everything(small.root / "train", small.root / "val")
    number = getattr(errno, name)
    first, second = refusing(where, number)
    with first, second:
        applied = apply_plan(plan, "move", where / "aside")
    assert (applied.done, {why for *_, why in applied.skipped}) == (0, {os.strerror(number)})
    assert readable(plan, range(len(plan))) == list(range(len(plan)))
    assert everything(small.root / "train", small.root / "val") == before
    assert not (small.folder / JOURNAL).exists()
    assert os.listdir(where) == []


def test_52_a_name_that_is_too_long_at_the_target(small, where):
    plan = small.plan()
    deep = where
    while len(os.fsencode(deep)) < 4090:
        deep = deep / ("d" * max(1, min(200, 4089 - len(os.fsencode(deep)))))
    applied = apply_plan(plan, "move", deep)
    assert {why for *_, why in applied.skipped} == {"File name too long"}
    assert readable(plan, range(len(plan))) == list(range(len(plan)))
    assert not own_names_in(small.root)
    assert os.listdir(where) == []


def test_53_a_target_that_becomes_a_link_in_the_middle(small, where, tmp_path):
    """Files go to where the link leads, and come back; what is there stays."""
    plan = small.plan()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "1").write_text("precious")
    aside = where / "aside"
    before = everything(small.root)

    def swap(stage, done, _):
        if stage == "moving" and done == 1:
            os.rename(aside / "train", where / "away")
            os.symlink(mine, aside / "train")

    applied = apply_plan(plan, "move", aside, progress=swap)
    assert before <= everything(small.root, where, mine)
    undone = undo_moves(small.folder)
    assert (mine / "1").read_text() == "precious"
    assert undone.planned == applied.done
    (aside / "train").unlink()
    os.rename(where / "away", aside / "train")
    if undone.skipped:
        undo_moves(small.folder)
    assert readable(plan, range(len(plan))) == list(range(len(plan)))
    assert not own_names_in(small.root, where, mine)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("moment", ["_check_bytes", "_place"])
def test_54_a_folder_that_is_renamed_while_its_file_is_moved(small, where, moment, links):
    plan = small.plan()
    before = everything(small.root)
    moved, real = small.root / "renamed", getattr(durable_move, moment)

    def rename(*arguments):
        if not moved.exists():
            os.rename(small.root / "train", moved)
        return real(*arguments)

    refused = PermissionError(errno.EPERM, "no links here")
    with mock.patch.object(durable_move, moment, rename):
        if links:
            applied = apply_plan(plan, "move", where / "aside")
        else:
            with mock.patch.object(os, "link", side_effect=refused):
                applied = apply_plan(plan, "move", where / "aside")
    assert applied.done == 0
    assert everything(moved, small.root / "val") >= before
    assert not own_names_in(small.root, where)
    os.rename(moved, small.root / "train")
    assert readable(plan, range(len(plan))) == list(range(len(plan)))


@pytest.mark.parametrize("there", [True, False])
def test_54_undo_leaves_no_folder_that_the_move_made(small, where, there):
    aside = where / "deep" / "aside"
    if there:
        (aside / "train").mkdir(parents=True)
    apply_plan(small.plan(), "move", aside)
    undo_moves(small.folder)
    assert os.listdir(where) == (["deep"] if there else [])
    assert not there or os.listdir(aside) == ["train"]


def test_54_killed_then_another_plan_then_undo_twice(small, where):
    plan = small.plan()
    real = durable_move._check_bytes

    class Killed(BaseException):
        pass

    def kill(path, digest):
        real(path, digest)
        raise Killed

    with (
        mock.patch.object(durable_move, "_put_back"),
        mock.patch.object(HeldFolder, "rename_within"),
        mock.patch.object(durable_move, "_check_bytes", kill),
        pytest.raises(Killed),
    ):
        apply_plan(plan, "move", where / "one")
    assert len(own_names_in(small.root)) == 1
    other = small.plan(keep_in=["val", "train"])
    apply_plan(other, "move", where / "two")
    assert undo_moves(small.folder).skipped == []
    with pytest.raises(UsageError, match="nothing was moved"):
        undo_moves(small.folder)
    assert readable(plan, range(len(plan))) == list(range(len(plan)))
    assert not own_names_in(small.root, where)
    assert os.listdir(where) == []


# two runs at once


@pytest.mark.parametrize("make", ["copy", "hardlink", "symlink"])
def test_53_two_runs_make_one_tree(tmp_path, make):
    """Each file is made by one of them, and the others find it."""
    source = os.fsencode(tmp_path / "k")
    Path(os.fsdecode(source)).write_bytes(CONTENT)

    def one(target):
        if make == "copy":
            return copy_file(source, target, DIGEST)
        return (link_file if make == "hardlink" else symlink_file)(source, target)

    targets = [os.fsencode(tmp_path / "tree" / str(number)) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: [one(target) for target in targets], range(8)))
    assert [sum(made) for made in zip(*runs, strict=True)] == [1] * 200
    assert {Path(os.fsdecode(target)).read_bytes() for target in targets} == {CONTENT}
    assert not own_names_in(tmp_path)


def test_53_a_copy_that_another_process_writes_is_left_alone(tmp_path):
    target = os.fsencode(tmp_path / "tree" / "k")
    source = os.fsencode(tmp_path / "k")
    os.mkdir(tmp_path / "tree")
    Path(os.fsdecode(source)).write_bytes(CONTENT)
    with own_copy(target, DIGEST) as (name, copy):
        copy.write(b"half")
        copy.flush()
        assert copy_file(source, target, DIGEST)
        assert Path(os.fsdecode(name)).read_bytes() == b"half"
        assert move_file(source, target + b"2", DIGEST)
    assert own_names_in(tmp_path) == []
    # what nobody holds is left by a killed run
    for left in copy_names(target, DIGEST):
        Path(os.fsdecode(left)).write_bytes(b"half")
    assert not copy_file(target, target, DIGEST)
    assert own_names_in(tmp_path) == []


def test_53_more_copies_at_once_than_there_are_names(tmp_path):
    target = os.fsencode(tmp_path / "k2")
    (tmp_path / "k").write_bytes(CONTENT)
    held = [own_copy(target, DIGEST) for _ in copy_names(target, DIGEST)]
    for copy in held:
        copy.__enter__()
    with pytest.raises(TakenError, match="other processes copy it"):
        copy_file(os.fsencode(tmp_path / "k"), target, DIGEST)
    for copy in held:
        copy.__exit__(None, None, None)
    assert own_names_in(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EBADF])
def test_53_copies_where_there_are_no_locks(tmp_path, number):
    (tmp_path / "k").write_bytes(CONTENT)
    refused = OSError(number, os.strerror(number))
    with mock.patch("fcntl.flock", side_effect=refused):
        assert copy_file(os.fsencode(tmp_path / "k"), os.fsencode(tmp_path / "k2"), DIGEST)
    assert (tmp_path / "k2").read_bytes() == CONTENT


def test_53_a_copy_that_is_written_keeps_its_empty_place(tmp_path):
    target = os.fsencode(tmp_path / "k2")
    (tmp_path / "k").write_bytes(CONTENT)
    with (
        mock.patch.object(exclusive_rename, "_rename_in_one_step", return_value=False),
        own_copy(target, DIGEST) as (name, copy),
    ):
        copy.write(CONTENT)
        copy.flush()
        (tmp_path / "k2").touch()
        with pytest.raises(TakenError):
            copy_file(os.fsencode(tmp_path / "k"), target, DIGEST)
        assert (tmp_path / "k2").exists()
        os.replace(name, target)
    assert (tmp_path / "k2").read_bytes() == CONTENT
    assert own_names_in(tmp_path) == []


def test_53_a_copy_goes_away_while_it_is_looked_at(tmp_path):
    copy = os.fsencode(tmp_path / "copy")
    assert not exclusive_rename.is_empty(copy)
    with mock.patch("os.path.lexists", return_value=True):
        exclusive_rename.drop_placeholder(copy, os.fsencode(tmp_path / "target"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_53_two_processes_copy_into_one_tree(tmp_path):
    scenes(tmp_path / "train", range(150))
    scenes(tmp_path / "val", range(150, 160))
    shutil.copy(tmp_path / "train" / "000.png", tmp_path / "val" / "again.png")
    run("audit", "train=train", "val=val", "-o", "out", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    for number in range(6):
        words = command("clean", "out", f"tree{number}", "--apply", "--to", "copy")
        both = [
            subprocess.Popen(
                words, cwd=tmp_path, env=screen(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            for _ in range(2)
        ]
        for process in both:
            said, _ = process.communicate(timeout=100)
            assert process.returncode == 0, said
        assert len(list((tmp_path / f"tree{number}").rglob("*.png"))) == 160
        assert not own_names_in(tmp_path)


def test_53_a_list_that_another_program_writes_meanwhile(small, tmp_path):
    plan, target = small.plan(), tmp_path / "lists"
    real, looks = Drafts._check, []

    def check(self, path):
        may_replace = real(self, path)
        looks.append(path.name)
        # the last look before it gets its name
        if looks.count("val.txt") == 2:
            path.write_text("precious")
        return may_replace

    checks = mock.patch.object(Drafts, "_check", check)
    with checks, pytest.raises(UsageError, match="was made by another program meanwhile"):
        apply_plan(plan, "lists", target)
    assert (target / "val.txt").read_text() == "precious"
    assert not list(target.glob("_*"))


def test_52_a_copy_is_private_until_it_is_whole(tmp_path):
    with own_copy(os.fsencode(tmp_path / "k"), DIGEST) as (_, copy):
        assert os.fstat(copy.fileno()).st_mode & 0o777 == 0o600
