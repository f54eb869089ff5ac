"""A command that fails before it has anything to keep leaves no file and no folder."""

import subprocess
import sys

import pytest

from fastphash.errors import StoreError
from fastphash.ingest.api import hash_into
from fastphash.store.cleanup import removed_if_unused
from fastphash.store.store import Store
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.scenes import scenes, source

HOLDER = """
import sys
from pathlib import Path
from fastphash.store.lock import locked

with locked(Path(sys.argv[1])):
    print("x", end="", flush=True)
    sys.stdin.read()
"""


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("verb", ["audit", "hash"])
@pytest.mark.parametrize("out", ["out", "deep/er/out"])
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["nowhere"], USAGE),
        (["train=nowhere", "val=good"], USAGE),
        (["empty"], FAILED),
        (["texts"], FAILED),
        (["--files", "none.txt"], FAILED),
    ],
)
def test_what_fails_for_want_of_images_leaves_nothing(tmp_path, verb, out, words, status):
    (tmp_path / "empty").mkdir()
    (tmp_path / "none.txt").touch()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no image")
    scenes(tmp_path / "good", [1])
    before = everything(tmp_path)
    error_of_it = run(verb, *words, "-o", out, status=status, cwd=tmp_path)
    assert "Error: " in error_of_it.stderr
    assert everything(tmp_path) == before


@pytest.mark.parametrize("verb", ["audit", "hash"])
def test_an_empty_folder_of_the_user_stays(tmp_path, verb):
    (tmp_path / "empty").mkdir()
    (tmp_path / "out").mkdir()
    run(verb, "empty", "-o", "out", status=FAILED, cwd=tmp_path)
    assert everything(tmp_path) == ["empty", "out"]


def test_after_a_wrong_path_the_right_one_goes_into_the_same_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    scenes(tmp_path / "good", [1])
    assert "is empty" in error_of(run("audit", "empty", "-o", "o", status=FAILED, cwd=tmp_path))
    run("audit", "good", "-o", "o", "--exif", cwd=tmp_path)


def test_hashes_and_names_of_rejected_files_stay(tmp_path):
    scenes(tmp_path / "good", [1])
    (tmp_path / "empty").mkdir()
    run("audit", "good", "empty", "-o", "o", status=FAILED, cwd=tmp_path)
    assert "o/hashes/part-000000.parquet" in everything(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_text("no image")
    run("audit", "broken", "-o", "p", status=FAILED, cwd=tmp_path)
    assert "a.jpg" in (tmp_path / "p" / "rejected.csv").read_text()


def test_a_store_that_another_process_writes_is_left_alone(tmp_path):
    scenes(tmp_path / "in", [1])
    store = tmp_path / "out"
    holder = [sys.executable, "-c", HOLDER, str(store)]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(1) == b"x"
        before = everything(tmp_path)
        error = error_of(run("hash", "in", "-o", "out", status=FAILED, cwd=tmp_path))
        assert "another process is writing" in error
        assert everything(tmp_path) == before
        process.stdin.close()


def test_a_lock_that_can_only_be_removed_when_it_is_free_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("fastphash.base.system.WINDOWS", True)
    (tmp_path / "empty").mkdir()
    run("hash", "empty", "-o", "s", status=FAILED, cwd=tmp_path)
    assert everything(tmp_path) == ["empty"]


def test_foreign_files_keep_their_folders(tmp_path):
    store = tmp_path / "out" / "hashes"
    mine, yours = tmp_path / "out" / "mine.csv", tmp_path / "out" / "yours.csv"

    def fail():
        with removed_if_unused(store, mine):
            store.mkdir(parents=True)
            mine.touch()
            yours.touch()
            raise StoreError("no")

    with pytest.raises(StoreError):
        fail()
    assert everything(tmp_path) == ["out", "out/yours.csv"]


def test_a_part_that_the_manifest_does_not_name_yet_keeps_the_store(tmp_path, monkeypatch):
    scenes(tmp_path / "in", [1, 2])
    write_part = Store.write_part

    def interrupted(self, *arguments):
        write_part(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "write_part", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "out", [source("all", tmp_path / "in")])
    monkeypatch.undo()
    assert hash_into(tmp_path / "out", [source("all", tmp_path / "in")])["all"].hashed == 2
    names = sorted(path.name for path in (tmp_path / "out").glob("*.parquet"))
    assert names == ["_manifest.parquet", "_rejected.parquet", "part-000000.parquet"]
