"""An audit that searches on the disk writes the files that it writes in memory."""

import logging
import shutil
from pathlib import Path

import pytest

import fastphash as fp
from fastphash.errors import UsageError
from fastphash.external import disk_search
from fastphash.external.join import DiskJoin
from tests.support.command_line import run
from tests.support.scenes import planted

OPTIONS = {"workers": 0, "progress": False, "looks": 0}


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return list(planted(folder))


def files(out):
    """Everything in a folder, to the byte."""
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def wanted(splits, tmp_path_factory):
    out = tmp_path_factory.mktemp("memory") / "out"
    fp.audit(splits, out, **OPTIONS)
    return files(out)


@pytest.fixture
def joins(monkeypatch):
    """The joins on the disk, of which there is one for each search, however small."""
    made = []
    init = DiskJoin.__init__

    def counted(self, *arguments):
        made.append(self)
        init(self, *arguments)

    monkeypatch.setattr(DiskJoin, "__init__", counted)
    monkeypatch.setattr(disk_search, "_LEAST", 0)
    return made


def test_writes_the_same_bytes(splits, wanted, joins, tmp_path):
    fp.audit(splits, tmp_path / "out", scratch=tmp_path / "scratch", **OPTIONS)
    assert files(tmp_path / "out") == wanted
    assert len(joins) > 3
    assert not (tmp_path / "scratch").exists()


def test_uses_the_disk_by_itself(splits, wanted, joins, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(disk_search, "_HASH_BYTES", 1 << 30)
    caplog.set_level(logging.INFO, "fastphash.external")
    fp.audit(splits, tmp_path / "out", **OPTIONS)
    assert files(tmp_path / "out") == wanted
    assert joins
    (line,) = [record.getMessage() for record in caplog.records]
    folder = str(tmp_path / "out" / "scratch")
    assert line.startswith(f"Hashes don't fit into the memory for them: working in {folder!r}")


def test_goes_on_after_an_interrupted_run(splits, wanted, joins, tmp_path, monkeypatch):
    words = [splits, tmp_path / "out"]
    find, found = DiskJoin._find_values, []

    def interrupted(self, scratch, most):
        found.append(find(self, scratch, most))
        if len(found) == 2:
            raise KeyboardInterrupt
        return found[-1]

    monkeypatch.setattr(DiskJoin, "_find_values", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fp.audit(*words, scratch=tmp_path / "scratch", **OPTIONS)
    assert len(list((tmp_path / "scratch").iterdir())) == 2
    fp.audit(*words, scratch=tmp_path / "scratch", **OPTIONS)
    assert files(tmp_path / "out") == wanted
    assert not (tmp_path / "scratch").exists()


def test_what_a_killed_run_left_among_the_images_is_no_input(splits, wanted, joins, tmp_path):
    scratch = Path(splits[0].partition("=")[2]) / "scratch"
    left = scratch / "fastphash-join-0123456789abcdef"
    left.mkdir(parents=True)
    (left / "search-0-found-000000").write_bytes(bytes(16))
    try:
        fp.audit(splits, tmp_path / "out", scratch=scratch, **OPTIONS)
    finally:
        shutil.rmtree(scratch)
    assert files(tmp_path / "out") == wanted
    assert joins


def test_it_is_said_on_screen(splits, joins, tmp_path):
    words = ["audit", *splits, "-o", "out", "--looks", "0", "--workers", "1"]
    done = run(*words, "--scratch", "scratch", cwd=tmp_path)
    assert "Working in 'scratch': up to " in done.stderr
    spark = run(*words, "--scratch", "x", "--engine", "spark", status=2, cwd=tmp_path)
    assert "--scratch is for --engine local" in spark.stderr
    nothing = run(*words, "--scratch", "no/such", status=2, cwd=tmp_path)
    assert "no such folder: '" in nothing.stderr


@pytest.mark.parametrize("folder", ["", b""])
def test_an_empty_name_is_no_folder(splits, folder, tmp_path):
    with pytest.raises(UsageError, match=r"'' is no path: name one, or \. for the current"):
        fp.audit(splits, tmp_path / "out", scratch=folder, **OPTIONS)


def test_hashes_of_256_bits_are_searched_in_memory(splits, joins, tmp_path):
    options = {"hashes": ["phash_256"], "views": "none", **OPTIONS}
    fp.audit(splits, tmp_path / "out", scratch=tmp_path / "scratch", **options)
    on_disk = len(joins)
    fp.audit(splits, tmp_path / "other", **options)
    assert files(tmp_path / "out") == files(tmp_path / "other")
    # all of them were of 64 bits
    assert on_disk <= 1
