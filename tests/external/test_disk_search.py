"""Searches of hashes in memory find the same on the disk."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from fastphash.external import disk_search, plans
from fastphash.external.disk_search import DiskSearch
from fastphash.external.scratch import Scratch
from fastphash.groups.grouping import has_partner
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.matches import concatenate_matches
from fastphash.joins.options import JoinOptions
from fastphash.store.lock import locked
from tests.external.test_join import SETS, StoppedError, assert_equal, oriented, stop_at_once

OPTIONS = JoinOptions(2, 200 << 20)


@pytest.fixture(autouse=True)
def searches_however_small(monkeypatch):
    monkeypatch.setattr(disk_search, "_LEAST", 0)


def all_matches(left, right, radius, options):
    return concatenate_matches(list(find_matches(left, right, radius, options=options)))


@pytest.mark.parametrize("make", SETS)
@pytest.mark.parametrize("radius", [0, 3])
def test_finds_what_is_found_in_memory(tmp_path, make, radius):
    rng = np.random.default_rng(4)
    hashes = make(rng, 400)
    left, right = Index(hashes), Index(np.concatenate([make(rng, 200), hashes[::9]]))
    scratch = tmp_path / "scratch"
    with DiskSearch(scratch, everything=True) as disk:
        options = replace(OPTIONS, disk=disk)
        for other in (None, right):
            found = all_matches(left, other, radius, options)
            assert_equal(found, all_matches(left, other, radius, OPTIONS))
        assert len(list(scratch.iterdir())) == 2
        partnered = has_partner(left, radius, options)
        np.testing.assert_array_equal(partnered, has_partner(left, radius, OPTIONS))
    assert not scratch.exists()


@pytest.mark.parametrize("held", [16, 1 << 30])
def test_rows_near_themselves_alone_have_no_partner(tmp_path, monkeypatch, held):
    """Pictures that look the same turned, some of them twice, and near others."""
    monkeypatch.setattr("fastphash.external.found_rows._HELD_BYTES", held)
    hashes = np.repeat(np.random.default_rng(1).integers(0, 2**64, 60, np.uint64), 8)
    hashes = hashes.reshape(60, 8)
    hashes[10:15] = hashes[:5]
    hashes[20:25] = hashes[:5] ^ np.uint64(1)
    with DiskSearch(tmp_path / "scratch", everything=True) as disk:
        found = has_partner(Index(hashes), 2, replace(OPTIONS, disk=disk))
    np.testing.assert_array_equal(
        np.flatnonzero(found), [*range(5), *range(10, 15), *range(20, 25)]
    )


def test_only_what_is_large_uses_the_disk(tmp_path):
    hashes = np.arange(1000, dtype=np.uint64)
    wide = np.arange(400, dtype=np.uint64).reshape(100, 4)
    little = replace(OPTIONS, memory=8 * 1000 - 1)
    with DiskSearch(tmp_path / "scratch", everything=False) as disk:
        assert disk.matches(Index(hashes), None, 1, None, OPTIONS) is None
        assert disk.matches(Index(wide), None, 1, None, little) is None
        assert disk.partnered(Index(hashes[1:]), 1, little) is None
        assert disk.partnered(Index(hashes), 1, little)[0].size == 1000
    assert not (tmp_path / "scratch").exists()


def search_and_stop(scratch, index):
    with DiskSearch(scratch, everything=True) as disk:
        options = replace(OPTIONS, disk=disk)
        all_matches(index, None, 0, options)
        all_matches(index, None, 3, replace(options, advance=stop_at_once))


def test_goes_on_with_what_an_earlier_run_found(tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "_MOST_VALUES", 300)
    monkeypatch.setattr(plans, "_LEAST_VALUES", 300)
    index = Index(oriented(np.random.default_rng(6), 600))
    scratch = tmp_path / "scratch"
    others = scratch / "fastphash-join-others"
    others.mkdir(parents=True)
    (others / "found").touch()
    wanted = all_matches(index, None, 3, OPTIONS)
    with pytest.raises(StoppedError):
        search_and_stop(scratch, index)
    # what the first search found, and what the second one had begun
    assert len(list(scratch.iterdir())) == 3
    with DiskSearch(scratch, everything=True) as disk:
        assert_equal(all_matches(index, None, 3, replace(OPTIONS, disk=disk)), wanted)
        done = []
        options = replace(OPTIONS, disk=disk, advance=lambda *steps: done.append(steps))
        assert_equal(all_matches(index, None, 3, options), wanted)
    assert others.exists()


def search_and_fail(scratch, owner, index, radius):
    with DiskSearch(scratch, everything=True, owner=owner) as disk:
        all_matches(index, None, radius, replace(OPTIONS, disk=disk))
        raise StoppedError


def test_what_the_same_owner_searched_before_goes_and_what_others_did_stays(tmp_path):
    """An audit that is killed may search otherwise in its next run: it has other memory."""
    index = Index(oriented(np.random.default_rng(6), 100))
    scratch = tmp_path / "scratch"
    for owner, radius in (("a", 1), ("b", 2), (None, 3)):
        with pytest.raises(StoppedError):
            search_and_fail(scratch, owner, index, radius)
    (scratch / "fastphash-join-empty").mkdir()
    assert len(list(scratch.iterdir())) == 4
    with DiskSearch(scratch, everything=True, owner="a") as disk:
        all_matches(index, None, 4, replace(OPTIONS, disk=disk))
    left = {Scratch(path).owner for path in scratch.iterdir()}
    assert left == {"b", None}


def test_what_another_process_uses_meanwhile_stays(tmp_path):
    """Two audits of the same images may have the same folder."""
    index = Index(oriented(np.random.default_rng(6), 100))
    scratch = tmp_path / "scratch"
    held, ended = threading.Event(), threading.Event()

    def use(path):
        # the lock is that of a thread
        with locked(path):
            held.set()
            ended.wait(60)

    with DiskSearch(scratch, everything=True) as disk:
        all_matches(index, None, 3, replace(OPTIONS, disk=disk))
        (path,) = scratch.iterdir()
        files = sorted(path.iterdir())
        other = threading.Thread(target=use, args=[path])
        other.start()
        assert held.wait(60)
    assert sorted(path.iterdir()) == files
    ended.set()
    other.join()
    with DiskSearch(scratch, everything=True) as disk:
        all_matches(index, None, 3, replace(OPTIONS, disk=disk))
    assert not scratch.exists()
