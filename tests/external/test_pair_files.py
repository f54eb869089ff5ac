"""Files of pairs that know whether they are whole."""

import contextlib

import numpy as np
import pytest

from fastphash.external import pair_files
from fastphash.external.pair_files import PairWriter, count_pairs, is_whole, read_pairs


def write_pairs(path, *sizes):
    rng = np.random.default_rng(1)
    written = [rng.integers(0, 2**64, (size, 2), dtype=np.uint64) for size in sizes]
    with PairWriter(path) as file:
        for pairs in written:
            file.write(pairs[:, 0], pairs[:, 1])
    return np.concatenate([np.empty((0, 2), np.uint64), *written])


@pytest.mark.parametrize("sizes", [(), (0,), (1,), (3, 0, 5), (8,)])
def test_pairs_come_back(tmp_path, monkeypatch, sizes):
    monkeypatch.setattr(pair_files, "_PAIRS_AT_ONCE", 4)
    wanted = write_pairs(tmp_path / "pairs", *sizes)
    assert is_whole(tmp_path / "pairs")
    assert count_pairs(tmp_path / "pairs") == len(wanted)
    read = [*read_pairs(tmp_path / "pairs")]
    assert all(len(pairs) <= 4 for pairs in read)
    np.testing.assert_array_equal(np.concatenate([wanted[:0], *read]), wanted)


def test_any_other_bytes_are_noticed(tmp_path):
    path = tmp_path / "pairs"
    write_pairs(path, 3)
    whole = path.read_bytes()
    damaged = [whole[:size] for size in range(len(whole))]
    damaged += [whole + b"\0", whole + whole[:16], bytes(len(whole)), whole[16:]]
    for place in range(len(whole)):
        damaged.append(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    for data in damaged:
        path.write_bytes(data)
        assert not is_whole(path), data
    path.unlink()
    assert not is_whole(path)


def test_pairs_of_an_error_are_not_whole(tmp_path):
    with contextlib.suppress(KeyError), PairWriter(tmp_path / "pairs") as file:
        file.write(np.arange(3, dtype=np.uint64), np.arange(3, dtype=np.uint64))
        raise KeyError
    assert not is_whole(tmp_path / "pairs")
