"""What a walk leaves out."""

import os

import pytest

from fastphash.sources.hidden import is_hidden
from fastphash.sources.local import LocalSource, folder_source, list_source
from tests.sources.test_local import touch

LEFT_OUT = [
    *(b".git/objects/x", b".ipynb_checkpoints/bird.jpg", b"._x.jpg", b".DS_Store"),
    *(b".thumbnails/x.png", b"__MACOSX/x.jpg", b"a/Thumbs.db", b"a/.cache/deep/x.jpg"),
    *(b"$RECYCLE.BIN/x.jpg", b"@eaDir/x.jpg", b"System Volume Information/x", b"Desktop.ini"),
]
STAY = [b"a/x.jpg", b"_x.jpg", b"macosx/x.jpg", b"x..jpg", b"x.git"]


def test_hidden_files_and_folders_are_left_out_and_named(tmp_path):
    touch(tmp_path, *LEFT_OUT, *STAY)
    entries = list(LocalSource("all", os.fsencode(tmp_path)).entries())
    assert sorted(entry.path for entry in entries if not entry.hidden) == sorted(STAY)
    # a folder once, and nothing below it
    names = {b"/".join(path.split(b"/")[: 2 if path.startswith(b"a/") else 1]) for path in LEFT_OUT}
    assert sorted(entry.path for entry in entries if entry.hidden) == sorted(names)


def test_hidden_files_are_taken_if_asked_for(tmp_path):
    touch(tmp_path, *LEFT_OUT, *STAY)
    source = folder_source(f"all={tmp_path}", hidden=True)
    assert sorted(entry.path for entry in source.entries()) == sorted(LEFT_OUT + STAY)


@pytest.mark.parametrize("name", [".hidden", "__MACOSX", "a/.b/c"])
def test_a_root_is_walked_whatever_its_name(tmp_path, name):
    touch(tmp_path, name.encode() + b"/x.jpg")
    (entry,) = folder_source(f"all={tmp_path / name}").entries()
    assert (entry.path, entry.hidden) == (b"x.jpg", False)


def test_a_list_names_what_it_names():
    source = list_source("all", b".git/x.jpg\n._x.jpg\nx.jpg\n")
    assert [entry.path for entry in source.entries()] == [b"._x.jpg", b".git/x.jpg", b"x.jpg"]
    assert not any(entry.hidden for entry in source.entries())


def test_a_link_to_a_hidden_folder_has_a_name_of_its_own(tmp_path):
    touch(tmp_path, b".pool/x.jpg")
    (tmp_path / "link").symlink_to(".pool")
    entries = list(folder_source(f"all={tmp_path}").entries())
    assert [(entry.path, entry.hidden) for entry in entries] == [
        (b".pool", True),
        (b"link/x.jpg", False),
    ]


@pytest.mark.parametrize("name", [b"x", b"_", b"MACOSX__", b"thumbs.db.png", b"-rf", b"\xff"])
def test_ordinary_names_are_not_hidden(name):
    assert not is_hidden(name)
