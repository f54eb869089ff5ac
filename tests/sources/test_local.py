import ntpath
import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from fastphash.base.paths import is_inside, is_name, tidy
from fastphash.errors import UsageError
from fastphash.sources import local, splits
from fastphash.sources.local import LocalReader, LocalSource, folder_source, list_source
from fastphash.sources.protocol import OutsideError
from fastphash.sources.splits import check_sources


def touch(root, *names):
    for name in names:
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(b"")


def walk(root):
    return list(LocalSource("all", os.fsencode(root)).entries())


def paths(root):
    return [entry.path for entry in walk(root)]


def test_folders_are_walked_depth_first_with_names_sorted_by_their_bytes(tmp_path):
    ordered = [b"B/x", b"a/b/y", b"a/z", b"a-b/x", b"a.png", b"b", "é".encode(), b"\xff"]
    touch(tmp_path, *reversed(ordered))
    assert paths(tmp_path) == ordered


def test_a_list_of_the_same_files_has_the_same_order(tmp_path, monkeypatch):
    touch(tmp_path, b"a/z", b"a/b/y", b"a-b/x", b"a.png", b"a.b/c", b"B", b"\xff/x")
    monkeypatch.chdir(tmp_path)
    walked = paths(tmp_path)
    assert list(list_source("all", b"\n".join(reversed(walked))).files) == walked


def test_an_empty_folder_has_no_entries(tmp_path):
    assert walk(tmp_path) == []


def test_a_loop_of_links_is_walked_once(tmp_path):
    touch(tmp_path, b"a/x")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    assert paths(tmp_path) == [b"a/self", b"a/x"]


def test_a_folder_under_two_names_is_walked_under_the_first(tmp_path):
    touch(tmp_path, b"z/x")
    (tmp_path / "a").symlink_to("z")
    assert paths(tmp_path) == [b"a/x"]


def test_the_same_folder_is_walked_again_in_another_split(tmp_path):
    touch(tmp_path, b"pool/x")
    for split in ("one", "two"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "link").symlink_to(tmp_path / "pool")
        assert paths(tmp_path / split) == [b"link/x"]


def test_links_to_files_are_entries_of_their_own(tmp_path):
    touch(tmp_path, b"x")
    (tmp_path / "link").symlink_to("x")
    os.link(tmp_path / "x", tmp_path / "hard")
    assert paths(tmp_path) == [b"hard", b"link", b"x"]


def test_a_link_to_nothing_is_left_to_the_reader(tmp_path):
    (tmp_path / "broken.png").symlink_to("nowhere")
    (entry,) = walk(tmp_path)
    assert (entry.path, entry.problem, entry.special) == (b"broken.png", None, False)


def test_pipes_are_special_through_links_too(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("pipe.png")
    touch(tmp_path, b"file.png")
    assert {e.path: e.special for e in walk(tmp_path)} == {
        b"file.png": False,
        b"link.png": True,
        b"pipe.png": True,
    }


def test_names_are_exact_bytes(tmp_path):
    names = [b"\n", b"\x1b[31m", b"'\"<b>", b"-rf", b"[red]", b"\xe9\xff"]
    touch(tmp_path, *names)
    assert paths(tmp_path) == sorted(names)


def test_folders_deeper_than_the_stack_are_walked(tmp_path):
    depth = sys.getrecursionlimit() + 100
    folders = [os.path.join(tmp_path, *["d"] * level) for level in range(1, depth + 1)]
    for folder in folders:
        os.mkdir(folder)
    file = Path(folders[-1], "x")
    try:
        file.touch()
        assert paths(tmp_path) == [b"d/" * depth + b"x"]
    finally:  # too deep for pytest to remove
        file.unlink()
        for folder in reversed(folders):
            os.rmdir(folder)


def test_a_folder_whose_path_is_too_long_is_a_problem_and_the_rest_is_walked(tmp_path):
    touch(tmp_path, b"x")
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("n" * 250, dir_fd=folder)
        inner = os.open("n" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    problem, plain = walk(tmp_path)
    assert problem.problem == "folder: File name too long"
    assert problem.path.endswith(b"n" * 250)
    assert plain.path == b"x"


def test_a_folder_that_may_not_be_listed_is_a_problem_and_the_rest_is_walked(tmp_path, monkeypatch):
    touch(tmp_path, b"a/x", b"secret/x", b"z")
    scandir = os.scandir

    def refuse(folder):
        if folder.endswith(b"secret"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    entries = {entry.path: entry.problem for entry in walk(tmp_path)}
    assert entries == {b"a/x": None, b"secret": "folder: Permission denied", b"z": None}


def test_a_root_that_is_gone_is_a_problem(tmp_path):
    (entry,) = walk(tmp_path / "gone")
    assert (entry.path, entry.problem) == (b".", "folder: No such file or directory")


def test_a_split_is_called_as_its_folder_or_as_it_is_told(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    root = os.fsencode(tmp_path / "photos")
    assert folder_source("photos") == LocalSource("photos", root)
    assert folder_source("photos/") == LocalSource("photos", root)
    assert folder_source("train=photos") == LocalSource("train", root)
    assert folder_source(f"train={tmp_path}/photos/../photos") == LocalSource("train", root)


def test_a_folder_with_an_equals_sign_is_a_folder_first(tmp_path):
    folder = tmp_path / "a=b"
    folder.mkdir()
    assert folder_source(f"x={folder}").root == os.fsencode(folder)
    with pytest.raises(UsageError, match="'a=b' can't name a split"):
        folder_source(str(folder))


@pytest.mark.parametrize("split", ["a@b", "a,b", "a/b", "a\nb"])
def test_a_name_that_other_arguments_could_not_hold_is_refused(tmp_path, split):
    with pytest.raises(UsageError, match="can't name a split") as caught:
        folder_source(f"{split}={tmp_path}")
    assert repr(split) in str(caught.value)


def test_the_root_of_all_has_no_name():
    with pytest.raises(UsageError, match="'' can't name a split"):
        folder_source("/")


def test_a_folder_whose_name_is_not_utf8_needs_a_split_name(tmp_path):
    folder = os.fsdecode(os.path.join(os.fsencode(tmp_path), b"\xff"))
    os.mkdir(folder)
    with pytest.raises(UsageError, match="can't name a split"):
        folder_source(folder)
    assert folder_source(f"x={folder}").root.endswith(b"/\xff")


def test_errors_quote_what_is_no_folder(tmp_path):
    touch(tmp_path, b"list.txt")
    for text, message in (("gone", "no such folder"), ("list.txt", "not a folder")):
        with pytest.raises(UsageError, match=message) as caught:
            folder_source(f"train={tmp_path / text}")
        assert repr(str(tmp_path / text)) in str(caught.value)


def test_a_list_is_relative_to_the_working_folder_sorted_and_without_repeats(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside = os.fsencode(tmp_path / "b" / "y")
    source = list_source("train", b"\n".join([b"b/x", b"./a", b"b//x", inside, b"/other/z", b""]))
    assert source == LocalSource(
        "train", os.fsencode(tmp_path), (b"/other/z", b"a", b"b/x", b"b/y")
    )
    assert [entry.path for entry in source.entries()] == list(source.files)


def test_a_list_may_have_the_line_ends_of_windows():
    assert list_source("train", b"a\r\nb\r\n").files == (b"a", b"b")


def test_a_list_may_end_names_with_nul_so_that_they_hold_anything():
    assert list_source("train", b"b\r\n\0a\nc\0", b"\0").files == (b"a\nc", b"b\r\n")


def test_an_empty_list_is_an_empty_split():
    assert list_source("train", b"").files == ()
    with pytest.raises(UsageError, match="'' can't name a split"):
        list_source("", b"a")


def test_two_splits_of_one_name_are_refused_and_both_named(tmp_path):
    one, two = tmp_path / "one" / "val", tmp_path / "two" / "val"
    one.mkdir(parents=True)
    two.mkdir(parents=True)
    with pytest.raises(UsageError, match="two splits are called 'val'") as caught:
        check_sources([folder_source(str(one)), folder_source(str(two))])
    assert str(one) in str(caught.value)
    assert str(two) in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ("data", "data", "are the same folder"),
        ("data", "link", "are the same folder"),
        ("data", "data/val", "lie in one another"),
        ("link/val", "data", "lie in one another"),
    ],
)
def test_splits_of_one_folder_or_of_nested_ones_are_refused(tmp_path, one, other, message):
    (tmp_path / "data" / "val").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data")
    sources = [folder_source(f"a={tmp_path / one}"), folder_source(f"b={tmp_path / other}")]
    for several in (sources, sources[::-1]):
        with pytest.raises(UsageError, match=message) as caught:
            check_sources(several)
        assert str(tmp_path / one) in str(caught.value)
        assert str(tmp_path / other) in str(caught.value)


def test_folders_whose_names_only_begin_alike_may_stand_side_by_side(tmp_path):
    for name in ("val", "val2"):
        (tmp_path / name).mkdir()
    check_sources([folder_source(str(tmp_path / name)) for name in ("val", "val2")])


def test_a_name_that_no_file_may_have_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "is_name", partial(is_name, flavour=ntpath))
    for split in ("nul", "a:b", "val."):
        with pytest.raises(UsageError, match="no file may be called so here") as caught:
            folder_source(f"{split}={tmp_path}")
        assert repr(split) in str(caught.value)


def test_one_folder_by_two_names_is_one(tmp_path, monkeypatch):
    """`Train` and `train` where case doesn't count."""
    (tmp_path / "Train").mkdir()
    real = os.stat

    def stat(path, *rest, **options):
        return real(os.fsencode(path).replace(b"/train", b"/Train"), *rest, **options)

    monkeypatch.setattr(os, "stat", stat)
    sources = [LocalSource(name, os.fsencode(tmp_path / name)) for name in ("Train", "train")]
    with pytest.raises(UsageError, match="are the same folder"):
        check_sources(sources)


@pytest.fixture
def windows(monkeypatch):
    """Names of files are those of Windows; none of them is there."""
    named = SimpleNamespace(path=ntpath, getcwd=lambda: "D:\\work", fsencode=os.fsencode)
    monkeypatch.setattr(local, "os", named)
    monkeypatch.setattr(local, "is_inside", partial(is_inside, flavour=ntpath))
    monkeypatch.setattr(local, "tidy", partial(tidy, flavour=ntpath))


@pytest.mark.parametrize("path", [b"a.jpg", b"sub/a.jpg", rb"sub\..\a.jpg"])
def test_files_of_a_split_are_found_on_windows(windows, path):
    found = LocalReader(b"D:\\Photos\\").resolve(path)
    assert found == ntpath.normpath(ntpath.join(b"D:\\Photos", path))


@pytest.mark.parametrize("path", [rb"..\a.jpg", b"sub/../../a.jpg", rb"..\Photos2\a.jpg", b"."])
def test_files_outside_of_a_split_are_not_found_on_windows(windows, path):
    with pytest.raises(OutsideError):
        LocalReader(rb"D:\Photos").resolve(path)


def test_a_list_of_windows(windows):
    names = b".\\b\\x.jpg\r\nD:\\Work\\a.jpg\r\nb/x.jpg\r\nE:\\c.jpg\r\n"
    assert list_source("train", names).files == (b"E:/c.jpg", b"a.jpg", b"b/x.jpg")
