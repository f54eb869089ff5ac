"""Joins and groups of Python find the same on the disk."""

import numpy as np
import pytest

import fastphash as fp
from fastphash.external import disk_search
from fastphash.external.join import DiskJoin
from tests.external.test_join import SETS, assert_equal, mostly_blank, write


@pytest.fixture(autouse=True)
def searches_however_small(monkeypatch):
    monkeypatch.setattr(disk_search, "_LEAST", 0)


@pytest.mark.parametrize("make", SETS)
def test_finds_what_is_found_in_memory(tmp_path, make):
    rng = np.random.default_rng(8)
    hashes, scratch = make(rng, 400), tmp_path / "scratch"
    other = np.concatenate([make(rng, 100), hashes[::9]])
    assert_equal(fp.join(hashes, other, 3, scratch=scratch), fp.join(hashes, other, 3))
    assert_equal(fp.self_join(hashes, 3, scratch=scratch), fp.self_join(hashes, 3))
    for grouping in ("star", "components"):
        found = fp.group(hashes, 3, grouping=grouping, scratch=scratch)
        assert_equal(found, fp.group(hashes, 3, grouping=grouping))
    assert not scratch.exists()


def test_hashes_may_lie_on_the_disk_as_well(tmp_path, monkeypatch):
    hashes = mostly_blank(np.random.default_rng(1), 2_000)
    path = write(tmp_path / "hashes.parquet", hashes)
    hashes.tofile(tmp_path / "hashes")
    mapped = np.memmap(tmp_path / "hashes", np.uint64, "r")
    wanted = fp.self_join(hashes, 2)
    joins, matches = [], DiskJoin.matches

    def counted(self, scratch):
        joins.append(scratch)
        return matches(self, scratch)

    monkeypatch.setattr(DiskJoin, "matches", counted)
    assert_equal(fp.self_join(mapped, 2, scratch=tmp_path / "scratch"), wanted)
    with pytest.warns(UserWarning, match="no orientations"):
        assert_equal(fp.self_join(path, 2, scratch=str(tmp_path / "scratch")), wanted)
    assert len(joins) == 2


def test_wrong_folders_are_named(tmp_path):
    hashes = np.arange(5, dtype=np.uint64)
    for call in (fp.self_join, fp.group):
        with pytest.raises(fp.UsageError, match="'' is no path"):
            call(hashes, scratch="")
        with pytest.raises(fp.UsageError, match="no such folder"):
            call(hashes, scratch=tmp_path / "no" / "such")
        (tmp_path / "file").touch()
        with pytest.raises(fp.UsageError, match="is no folder: name one"):
            call(hashes, scratch=tmp_path / "file")


def test_too_many_pairs_leave_the_folder_for_another_run(tmp_path):
    hashes = np.zeros(50, np.uint64)
    with pytest.raises(fp.TooManyPairsError):
        fp.self_join(hashes, max_pairs=10, scratch=tmp_path / "scratch")
    assert fp.self_join(hashes, scratch=tmp_path / "scratch").left.size == 50 * 49 // 2
    assert not (tmp_path / "scratch").exists()
