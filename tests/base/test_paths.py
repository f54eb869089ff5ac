import ntpath
import os
import posixpath
import unicodedata
from pathlib import Path

import pytest

from fastphash.base import paths
from fastphash.base.paths import (
    clashes,
    folded,
    given_path,
    is_inside,
    is_name,
    leaves_folder,
    lies_in,
    tidy,
    with_slashes,
)
from fastphash.errors import UsageError


@pytest.fixture
def folds(monkeypatch):
    """A file system that ignores case and ways to write an accent; the names it was asked about."""
    asked = []

    def is_one(folder, one, other):
        asked.append((folder, one, other))
        return folded(one) == folded(other)

    monkeypatch.setattr(paths, "_is_one_name", is_one)
    return asked


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (rb"a.jpg", b"a.jpg"),
        (rb".\sub\\a.jpg", b"sub/a.jpg"),
        (rb"sub/.\a.jpg", b"sub/a.jpg"),
        (rb"..\a.jpg", b"../a.jpg"),
        (rb"C:\Photos\sub\a.jpg", b"sub/a.jpg"),
        (rb"c:/photos/SUB/a.jpg", b"SUB/a.jpg"),
        (rb"C:\Photos2\a.jpg", b"C:/Photos2/a.jpg"),
        (rb"D:\photos\a.jpg", b"D:/photos/a.jpg"),
        (rb"\\server\share\a.jpg", b"//server/share/a.jpg"),
        (rb"\a.jpg", b"/a.jpg"),
    ],
)
def test_listed_names_on_windows(name, expected):
    assert tidy(name, rb"C:\Photos", ntpath) == expected


@pytest.mark.parametrize("root", [b"C:\\", b"C:/"])
def test_a_list_at_the_top_of_a_drive(root):
    assert tidy(rb"c:\a\b.jpg", root, ntpath) == b"a/b.jpg"


@pytest.mark.parametrize(
    ("name", "root", "expected"),
    [
        (b"a\\b.jpg", b"/data", b"a\\b.jpg"),
        (b"C:\\b.jpg", b"/data", b"C:\\b.jpg"),
        (b"/data//sub/./b.jpg", b"/data", b"sub/b.jpg"),
        (b"/Data/b.jpg", b"/data", b"/Data/b.jpg"),
        (b"/tmp/b.jpg", b"/", b"tmp/b.jpg"),
        (b"x/../b.jpg", b"/data", b"x/../b.jpg"),
    ],
)
def test_listed_names_elsewhere(name, root, expected):
    assert tidy(name, root, posixpath) == expected


@pytest.mark.parametrize(
    ("path", "folder", "flavour", "expected"),
    [
        ("/a/b", "/a", posixpath, True),
        ("/a", "/a", posixpath, False),
        ("/ab", "/a", posixpath, False),
        ("/A/b", "/a", posixpath, False),
        ("/a", "/", posixpath, True),
        ("/", "/", posixpath, False),
        (b"C:\\a\\b", b"c:\\A", ntpath, True),
        (b"C:\\a", b"C:\\", ntpath, True),
        (b"C:\\", b"C:\\", ntpath, False),
        (b"D:\\a", b"C:\\", ntpath, False),
        ("\\\\server\\share\\a", "\\\\SERVER\\share", ntpath, True),
        ("C:\\ab", "C:\\a", ntpath, False),
    ],
)
def test_what_lies_inside(path, folder, flavour, expected):
    assert is_inside(path, folder, flavour) is expected


OUT_ON_WINDOWS = [
    rb"..\a.jpg",
    rb"sub\..\..\a.jpg",
    rb"sub/..\a.jpg",
    rb"C:\a.jpg",
    rb"C:a.jpg",
    rb"\a.jpg",
    rb"\\server\share\a.jpg",
    rb"\\?\C:\a.jpg",
    rb"//server/share/a.jpg",
    rb"a.jpg:stream",
    rb"sub/NUL",
    rb"con.jpg",
    rb"sub./a.jpg",
    rb"a.jpg ",
    b"a\x01.jpg",
]


@pytest.mark.parametrize("path", OUT_ON_WINDOWS)
def test_a_path_may_leave_its_folder_on_windows(path):
    assert leaves_folder(path, ntpath)


@pytest.mark.parametrize("path", [b"/a", b"../a", b"a/../b", b"a/..", b"..", b"", b"//a"])
def test_a_path_may_leave_its_folder_anywhere(path):
    assert leaves_folder(path, posixpath)
    assert leaves_folder(path, ntpath)


@pytest.mark.parametrize("path", [b"a.jpg", b"a/b.jpg", b"..a/b..jpg", b"\xff.jpg", "é/ü".encode()])
def test_a_path_stays_in_its_folder(path):
    assert not leaves_folder(path, posixpath)
    assert not leaves_folder(path, ntpath)


@pytest.mark.parametrize("path", [p for p in OUT_ON_WINDOWS if not p.startswith(b"/")])
def test_these_names_mean_nothing_elsewhere(path):
    assert not leaves_folder(path, posixpath)


@pytest.mark.parametrize(
    "name",
    ["con", "NUL.txt", "com1", "LPT9.tar.gz", "COM¹", "conin$", "aux .txt", "val.", "val ", "a|b"],
)
def test_names_that_windows_keeps_to_itself(name):
    assert not is_name(name, ntpath)
    assert is_name(name, posixpath)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b"])
def test_names_of_no_file(name):
    assert not is_name(name, ntpath)
    assert not is_name(name, posixpath)


@pytest.mark.parametrize("name", ["train", "Val 2", "console", "com10", "com", ".hidden", "日本"])
def test_names_of_files(name):
    assert is_name(name, ntpath)
    assert is_name(name, posixpath)


def test_slashes():
    assert with_slashes(b"a\\b", ntpath) == b"a/b"
    assert with_slashes("a\\b", posixpath) == "a\\b"


def test_a_folder_lies_in_another_by_any_of_its_names(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    a, b, link = (os.fsencode(tmp_path / name) for name in ("a", "a/b", "link"))
    assert lies_in(b, a)
    assert lies_in(b, link)
    assert lies_in(link, a)
    assert not lies_in(a, b)
    # neither need be there
    assert lies_in(b + b"/new/folder", a)
    assert not lies_in(a, b + b"/new")
    assert not lies_in(a + b"2", a)


def test_a_folder_lies_in_another_that_links_dont_explain(tmp_path, monkeypatch):
    """As where case doesn't count, or a disk is mounted twice."""
    (tmp_path / "Data" / "val").mkdir(parents=True)
    real = os.stat

    def stat(path, *rest, **options):
        return real(os.fsencode(path).replace(b"/data", b"/Data"), *rest, **options)

    monkeypatch.setattr(os, "stat", stat)
    upper, lower = os.fsencode(tmp_path / "Data"), os.fsencode(tmp_path / "data")
    assert lies_in(upper, lower)
    assert lies_in(lower, upper)
    assert lies_in(lower + b"/val", upper)
    assert lies_in(upper + b"/new/folder", lower)
    assert not lies_in(upper, lower + b"/val")


NAMES = ["a/x", "b/x", "A/x", "B/X", "a/y", "A/x/y"]


def test_names_that_are_one_where_case_does_not_count(tmp_path, folds):
    assert clashes(NAMES, tmp_path / "not" / "there") == {2: 0, 3: 1}
    # plain letters are asked about once
    assert folds == [(str(tmp_path), "a", "A")]


def test_accents_are_asked_about_one_by_one(tmp_path, folds):
    accents = ["ä", unicodedata.normalize("NFD", "ä"), "Ä", "é"]
    assert clashes(accents, tmp_path) == {1: 0, 2: 0}
    assert [names for _, *names in folds] == [["ä", accents[1]], ["ä", "Ä"]]


def test_where_case_counts_no_names_are_one(tmp_path):
    assert clashes(NAMES, tmp_path) == {}
    assert clashes(["ä", unicodedata.normalize("NFD", "ä")], os.fsencode(tmp_path)) == {}
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_made_no_names_are_one():
    assert clashes(["a", "A"], "/proc/self") == {}


def test_different_names_need_no_look(tmp_path, folds):
    assert clashes(["train", "val", "a/train", "train"], tmp_path) == {3: 0}
    assert folds == []


@pytest.mark.parametrize("name", ["s3://bucket/x", b"gs://bucket", "https://host/x.tar"])
def test_an_address_is_no_place_on_a_disk(name):
    with pytest.raises(UsageError, match="' is an address: name a place on a disk"):
        given_path(name)


@pytest.mark.parametrize("name", ["a/b", "./s3://bucket", b"s3:", Path("a", "b")])
def test_other_names_are_places_on_a_disk(name):
    assert given_path(name) == Path(os.fsdecode(name))
