"""A command that fails before it has anything to keep leaves no file and no folder."""

import subprocess
import sys

import pytest

from fastphash.errors import StoreError
from fastphash.ingest import part_writer
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.store.cleanup import removed_if_unused
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.scenes import scenes, source

INTERRUPTED = 130
IN_PROCESS = IngestOptions(workers=0)

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


def interrupt_after(monkeypatch, step):
    """Have a run be interrupted when it has done a step for the first time."""
    done = getattr(part_writer, step)

    def interrupted(*arguments):
        done(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(part_writer, step, interrupted)


@pytest.mark.parametrize(("verb", "store"), [("hash", "out"), ("audit", "out/hashes")])
def test_an_interrupted_run_says_whether_anything_was_kept(tmp_path, monkeypatch, verb, store):
    scenes(tmp_path / "in", [1, 2])
    words = verb, "in", "-o", "out", "--workers", "1"
    with monkeypatch.context() as patch:
        interrupt_after(patch, "draft_part")
        done = run(*words, cwd=tmp_path, status=INTERRUPTED)
    assert "Interrupted before anything was kept: the same command begins anew." in done.stderr
    assert everything(tmp_path) == ["in", "in/001.png", "in/002.png"]
    with monkeypatch.context() as patch:
        interrupt_after(patch, "name_part")
        done = run(*words, cwd=tmp_path, status=INTERRUPTED)
    assert "Interrupted: run the same command again to go on." in done.stderr
    tally = hash_into(tmp_path / store, [source("in", tmp_path / "in")], IN_PROCESS)["in"]
    assert (tally.kept, tally.hashed) == (2, 0)
