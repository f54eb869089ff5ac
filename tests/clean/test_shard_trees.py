"""New containers beside copies of loose files, by `fastphash clean --to copy`."""

import json
import os
import re
import shutil
import tarfile
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.clean.shards.tar import TarShard
from fastphash.sources.open_containers import close_containers
from tests.support.command_line import run
from tests.support.containers import files_of, make_parquet, make_tar
from tests.support.scenes import scenes


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """Loose files, tar files and a Parquet file that share pictures, and their audit.

    loose: 1 and 5; shards: a.tar has 1, 2 and a text, b.tar 1 alone; rows: 4, a null, 2.
    """
    folder = tmp_path_factory.mktemp("mixed")
    pictures = dict(files_of(scenes(folder / "pictures", range(6))))
    scenes(folder / "loose", (1, 5))
    samples = [
        ("README", b"read me"),
        ("one.png", pictures["001.png"]),
        ("one.txt", b"first"),
        ("two.png", pictures["002.png"]),
        ("two.txt", b"second"),
    ]
    make_tar(folder / "shards" / "a.tar", samples)
    make_tar(folder / "shards" / "more" / "b.tar", samples[1:3])
    rows = [("4", pictures["004.png"]), ("null", None), ("2", pictures["002.png"])]
    make_parquet(folder / "rows.parquet", rows)
    run(
        *("audit", "loose=loose", "shards=shards/**/*.tar", "rows=rows.parquet"),
        *("-o", "out", "--workers", "1"),
        cwd=folder,
    )
    return folder


@pytest.fixture
def place(audited, tmp_path):
    """The same in a folder of its own, with a plan that keeps loose files, then tar files."""
    # times are as they were, but for those that nobody sets
    shutil.copytree(audited, tmp_path, dirs_exist_ok=True)
    words = ("loose=loose", "shards=shards/**/*.tar", "rows=rows.parquet")
    run("audit", *words, "-o", "out", "--workers", "1", cwd=tmp_path)
    plan(tmp_path, "loose,shards,rows")
    yield tmp_path
    close_containers()


def plan(place, keep_in):
    return run("clean", "out", "--keep-in", keep_in, cwd=place).stdout


def apply(place, *words, status=0):
    done = run("clean", "out", *words, "--apply", "--json", cwd=place, status=status)
    return json.loads(done.stdout) if status < 2 else done.stderr


def tree(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def members(path):
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_loose_files_and_new_containers_in_one_tree(place):
    shown = plan(place, "loose,shards,rows")
    assert [line.split() for line in shown.splitlines() if line.startswith(" shards ")][1] == [
        "shards", "2", "2", "1", "3", "2",
    ]  # fmt: skip
    done = apply(place, "tree", "--to", "copy")
    assert (done["planned"], done["done"], done["skipped"], done["rescued"]) == (4, 4, [], [])
    assert done["shards"] == {
        "shards": {"containers": 2, "whole": 0, "emptied": 1, "samples": 1, "samples_gone": 2},
        "rows": {"containers": 1, "whole": 0, "emptied": 0, "samples": 2, "samples_gone": 1},
    }
    assert tree(place / "tree") == [
        "loose/001.png",
        "loose/005.png",
        "rows/rows.parquet",
        "shards/a.tar",
    ]
    assert members(place / "tree" / "shards" / "a.tar") == ["README", "two.png", "two.txt"]
    before = pq.read_table(place / "rows.parquet")
    assert pq.read_table(place / "tree" / "rows" / "rows.parquet").equals(before.slice(0, 2))
    new = (place / "tree" / "shards" / "a.tar").stat()
    old = (place / "shards" / "a.tar").stat()
    assert (new.st_mode, new.st_mtime_ns) == (old.st_mode, old.st_mtime_ns)
    shown = run("clean", "out", "tree", "--apply", "--to", "copy", cwd=place).stdout
    # three blanks between two columns: the table is as narrow as a screen of 80 columns
    assert re.search("   lost samples   as they were   empty, left out   samples gone ", shown)
    assert apply(place, "tree", "--to", "copy")["already"] == 4


def test_what_gave_no_hash_goes_if_asked_for(place):
    done = apply(place, "tree", "--to", "copy", "--drop-rejected")
    assert done["shards"]["rows"]["samples"] == 1
    new = pq.read_table(place / "tree" / "rows" / "rows.parquet")
    assert new.equals(pq.read_table(place / "rows.parquet").slice(0, 1))
    apply(place)
    assert np.load(place / "out" / "clean" / "rows.keep.npy").tolist() == [0, 1]
    apply(place, "lists", "--drop-rejected")
    assert np.load(place / "lists" / "rows.keep.npy").tolist() == [0]
    keys = pq.read_table(place / "lists" / "rows.keys.parquet")
    assert keys.select(["key", "keep"]).to_pylist() == [
        {"key": "4", "keep": True},
        {"key": None, "keep": False},
        {"key": "2", "keep": False},
    ]
    refused = apply(place, "aside", "--to", "move", "--drop-rejected", status=2)
    assert "--drop-rejected is for lists and trees" in refused


@pytest.mark.parametrize("mode", ["hardlink", "symlink"])
def test_containers_that_lose_nothing_are_linked(place, mode):
    plan(place, "shards,rows,loose")
    apply(place, "tree", "--to", mode)
    new = place / "tree" / "shards"
    assert tree(place / "tree") == ["loose/005.png", "rows/rows.parquet", "shards/a.tar"]
    assert os.path.samefile(new / "a.tar", place / "shards" / "a.tar")
    assert (new / "a.tar").is_symlink() == (mode == "symlink")
    assert not (place / "tree" / "rows" / "rows.parquet").is_symlink()


def test_a_move_leaves_images_in_containers(place):
    plan(place, "shards,rows,loose")
    done = apply(place, "aside", "--to", "move")
    assert (done["done"], done["in_containers"]) == (1, 2)
    assert tree(place / "aside") == ["loose/001.png"]
    shown = run("clean", "out", "aside", "--apply", "--to", "move", cwd=place).stdout
    assert "2 images that go stay in tar, zip and Parquet files" in shown
    run("clean", "out", "--undo", cwd=place)
    assert tree(place / "loose") == ["001.png", "005.png"]
    # the keeper of what goes is gone from its container
    make_tar(place / "shards" / "a.tar", [("two.png", b"another")])
    done = apply(place, "aside", "--to", "move", status=1)
    assert "its keeper 'shards/a.tar::one.png' is changed" in done["skipped"][0]["why"]
    plan(place, "loose,shards,rows")
    refused = apply(place, "aside", "--to", "move", status=2)
    assert "all of them in tar, zip or Parquet files, which are never edited" in refused


def test_a_container_that_has_changed_is_skipped_and_keeps_nothing_away(place):
    make_tar(place / "shards" / "a.tar", [("two.png", b"another")])
    done = apply(place, "tree", "--to", "copy", status=1)
    assert {(one["path"], one["why"]) for one in done["skipped"]} == {
        (f"a.tar::{name}.png", "changed since it was hashed") for name in ("one", "two")
    }
    # its picture would be lost with it
    assert [one["path"] for one in done["rescued"]] == ["rows.parquet::2"]
    assert tree(place / "tree") == ["loose/001.png", "loose/005.png", "rows/rows.parquet"]
    new = place / "tree" / "rows" / "rows.parquet"
    assert new.read_bytes() == (place / "rows.parquet").read_bytes()


def test_a_container_that_changes_meanwhile_is_not_written(place):
    real = TarShard.write

    def write(shard, going, output):
        real(shard, going, output)
        os.utime(place / "shards" / "a.tar")

    with mock.patch.object(TarShard, "write", write):
        done = apply(place, "tree", "--to", "copy", status=1)
    assert done["skipped"] == [
        {
            "split": "shards",
            "path": "a.tar",
            "why": "changed since it was hashed: run the audit again",
        }
    ]
    assert tree(place / "tree") == ["loose/001.png", "loose/005.png", "rows/rows.parquet"]


def test_nothing_is_overwritten(place):
    for name in ("a.tar", "more/b.tar"):
        path = place / "tree" / "shards" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("precious")
    done = apply(place, "tree", "--to", "copy", "--overwrite", status=1)
    assert [(one["path"], one["why"]) for one in done["skipped"]] == [
        ("a.tar", "its name is taken"),
        ("more/b.tar", "its name is taken"),
    ]
    assert path.read_text() == (place / "tree" / "shards" / "a.tar").read_text() == "precious"
    # of the images that stay, a.tar holds one and more/b.tar none
    words = ("--apply", "--to", "copy")
    shown = run("clean", "out", "tree", *words, cwd=place, status=1).stdout
    assert re.search(r"planned +done +done before +skipped *\n.*\n +4 +- +3 +1 ", shown)
    # what is longer, and begins with the same bytes, is another file
    done = apply(place, "new", "--to", "copy")
    with open(place / "new" / "shards" / "a.tar", "ab") as file:
        file.write(b"more")
    assert apply(place, "new", "--to", "copy", status=1)["skipped"][0]["path"] == "a.tar"


def test_a_damaged_container_is_skipped(place):
    path = make_tar(place / "cut" / "c.tar", files_of(place / "pictures"))
    os.truncate(path, 10_000)
    # without a picture that could be skipped
    shutil.copy(path, place / "cut" / "d.tar")
    os.truncate(place / "cut" / "d.tar", 300)
    run("audit", "loose=loose", "cut=cut/*.tar", "-o", "out2", "--workers", "1", cwd=place)
    run("clean", "out2", "--keep-in", "cut,loose", cwd=place)
    words = ("clean", "out2", "tree", "--apply", "--to", "copy", "--json")
    done = json.loads(run(*words, cwd=place, status=1).stdout)
    assert {one["why"] for one in done["skipped"]} == {
        "its container is damaged: the rejected inputs of the audit say how"
    }
    assert [one["path"] for one in done["skipped"]][-1] == "d.tar"
    # 1 is in c.tar, which isn't copied
    assert tree(place / "tree") == ["loose/001.png", "loose/005.png"]


def test_rows_of_a_data_set_with_ids_give_a_list_of_them(place):
    rows = pq.read_table(place / "rows.parquet")["image"].to_pylist()
    for number in (0, 2):
        rows[number]["path"] = f"{'0' * 15}{number}{'a' * 16}"
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array([rows[2], rows[0], rows[2]], kind)})
    pq.write_table(table, place / "ids.parquet")
    run("audit", "ids=ids.parquet", "-o", "out2", "--workers", "1", cwd=place)
    run("clean", "out2", cwd=place)
    run("clean", "out2", "--apply", cwd=place)
    uids = np.load(place / "out2" / "clean" / "ids.uids.npy")
    assert uids.dtype == np.dtype("u8,u8")
    half = int("a" * 16, 16)
    assert uids.tolist() == [(0, half), (2, half)]
    assert not list((place / "out").glob("clean/*.uids.npy"))
