"""Hidden files: left out, counted, and dropped from stores that have them."""

import pytest

from fastphash.errors import StoreError
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.local import folder_source
from tests.support.command_line import FAILED, error_of, run
from tests.support.executors import ONE_WORKER
from tests.support.scenes import save, scene
from tests.support.stores import paths, read_store

HIDDEN = ["._x.png", ".git/a.png", ".ipynb_checkpoints/x-checkpoint.png", "__MACOSX/deep/x.png"]


@pytest.fixture
def folder(tmp_path):
    for name in (*HIDDEN, "a.png", "x.png"):
        save(tmp_path / "in" / name, scene(1))
    return tmp_path / "in"


def test_hidden_files_are_counted_and_no_inputs(folder, tmp_path):
    tally = hash_into(tmp_path / "s", [folder_source(f"all={folder}")], ONE_WORKER)["all"]
    assert (tally.inputs, tally.hashed, tally.hidden) == (2, 2, 4)
    assert paths(tmp_path / "s") == ["a.png", "x.png"]


@pytest.mark.parametrize("keep_missing", [False, True])
def test_rows_of_hidden_files_go_from_a_store_that_has_them(folder, tmp_path, keep_missing):
    all_files = folder_source(f"all={folder}", hidden=True)
    assert hash_into(tmp_path / "s", [all_files], ONE_WORKER)["all"].hashed == 6
    (folder / "a.png").unlink()
    options = IngestOptions(workers=1, keep_missing=keep_missing)
    tally = hash_into(tmp_path / "s", [folder_source(f"all={folder}")], options)["all"]
    assert (tally.kept, tally.hidden) == (1, 4)
    assert (tally.gone, tally.missing) == ((4, 1) if keep_missing else (5, 0))
    assert paths(tmp_path / "s") == ["a.png"] * keep_missing + ["x.png"]
    tally = hash_into(tmp_path / "s", [all_files], ONE_WORKER)["all"]
    assert (tally.hashed, tally.kept, tally.hidden) == (4, 1, 0)


def test_a_split_of_hidden_files_alone_says_so(tmp_path):
    save(tmp_path / "in" / ".a" / "x.png", scene(1))
    source = folder_source(f"all={tmp_path / 'in'}", hidden=True)
    hash_into(tmp_path / "s", [source], ONE_WORKER)
    with pytest.raises(StoreError, match="all 1 images that were hashed of split 'all' are hidden"):
        hash_into(tmp_path / "s", [folder_source(f"all={tmp_path / 'in'}")], ONE_WORKER)
    assert read_store(tmp_path / "s").num_rows == 1
    done = run("hash", "all=in", "-o", "t", cwd=tmp_path, status=FAILED)
    assert error_of(done).endswith("1 hidden file or folder was left out: --hidden")


def test_what_was_left_out_is_said(folder, tmp_path):
    shown = " ".join(run("audit", "all=in", "-o", "out", cwd=tmp_path).stdout.split())
    assert "4 hidden files and folders; --hidden takes them, too" in shown
    assert "4 hidden files and folders were left out" in (tmp_path / "out/report.html").read_text()
    shown = run("hash", "all=in", "-o", "s", "--hidden", cwd=tmp_path).stdout
    assert "hidden" not in shown
    assert len(paths(tmp_path / "s")) == 6
