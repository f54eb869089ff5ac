import mmap

import numpy as np
import pytest

from fastphash.base import mapped
from fastphash.base.mapped import bring_rows, is_mapped, let_go, map_rows, map_rows_beside


def test_rows_are_those_that_were_given(tmp_path):
    rows = np.random.default_rng(1).integers(0, 256, (5000, 1024), np.uint8)
    array = map_rows(tmp_path, [rows[:7], rows[7:7], rows[7::1]], 1024)
    assert not list(tmp_path.iterdir())
    for _ in range(2):
        np.testing.assert_array_equal(array, rows)
        let_go(array[3:9])
    assert not array.flags.writeable


@pytest.mark.skipif(not mapped._CAN_MAP, reason="this system can't give pages back")
def test_pages_are_given_back(tmp_path):
    array = map_rows(tmp_path, [np.ones((1 << 14, 1024), np.uint8)], 1024)
    before = resident()
    assert array.sum(dtype=np.int64) == array.size
    assert resident() - before > array.size / 2
    let_go(array)
    assert resident() - before < array.size / 2


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE


@pytest.mark.parametrize("looked_at", [1, 7, 1 << 14])
def test_some_rows_are_brought_into_memory(tmp_path, monkeypatch, looked_at):
    monkeypatch.setattr(mapped, "_LOOKED_AT", looked_at)
    rng = np.random.default_rng(3)
    array = map_rows(tmp_path, [rng.integers(0, 256, (50, 8), np.uint8)], 8)
    assert is_mapped(array)
    assert is_mapped(array[3:7])
    for wanted in (np.empty(0, np.int64), np.array([49]), rng.integers(0, 50, (2, 30))):
        own, rows = bring_rows(array, wanted)
        assert not is_mapped(own)
        assert len(own) == np.unique(wanted).size
        np.testing.assert_array_equal(own[rows], array[wanted])


def test_rows_of_other_arrays_are_in_memory():
    array, rows = np.arange(10), np.array([7, 7])
    own, same = bring_rows(array, rows)
    assert own is array
    assert same is rows
    assert not is_mapped(array)
    assert not is_mapped(None)
    assert map_rows_beside(array, [], 8) is None


def test_other_arrays_stay():
    array = np.arange(10)
    let_go(None)
    let_go(array)
    let_go(np.frombuffer(b"1234", np.uint8))
    assert array[9] == 9


def test_a_system_that_maps_no_files(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "_CAN_MAP", False)
    with pytest.raises(OSError, match="maps no files"):
        map_rows(tmp_path, [], 8)
