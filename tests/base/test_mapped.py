import mmap

import numpy as np
import pytest

from fastphash.base import mapped
from fastphash.base.mapped import let_go, map_rows


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
