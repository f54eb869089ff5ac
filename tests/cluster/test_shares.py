import numpy as np
import pytest

from fastphash.cluster.shares import read_shares, share_table
from fastphash.errors import StoreError
from fastphash.external.opening import open_streams
from fastphash.external.table_stream import TableStream
from tests.support.cluster import table_of
from tests.support.stores import hashes, write_store


@pytest.fixture
def store(tmp_path):
    pieces = [
        {"path": [f"{seed}-{i}" for i in range(5)], "phash": hashes(5, seed)} for seed in (1, 2)
    ]
    write_store(tmp_path / "store", *({**piece, "split": ["a"] * 5} for piece in pieces))
    return tmp_path / "store"


def test_tasks_read_the_columns_that_they_ask_for(store):
    turned = np.random.default_rng(3).integers(0, 2**64, (7, 8), np.uint64)
    sides = [TableStream(table_of(turned), 4), open_streams([str(store)], {}, None)]
    batches = share_table(sides).to_batches(max_chunksize=2)
    read = list(read_shares(iter(batches), {1: (0,)}))
    assert [share.side for share in read] == [1] * len(read)
    expected = np.concatenate([hashes(5, 1), hashes(5, 2)])
    np.testing.assert_array_equal(np.concatenate([one.hashes[0] for one in read]), expected)
    read = list(read_shares(iter(batches), {0: (2, 5), 1: ()}))
    assert [(share.side, share.first, [*share.hashes]) for share in read] == [
        (0, 0, [2, 5]),
        (0, 4, [2, 5]),
    ]
    for t in (2, 5):
        joined = np.concatenate([share.hashes[t] for share in read])
        np.testing.assert_array_equal(joined, turned[:, t])


def test_a_part_that_is_gone_is_named(store):
    shares = share_table([open_streams([str(store)], {}, None)])
    (store / "part-000001.parquet").unlink()
    with pytest.raises(StoreError, match="part-000001"):
        list(read_shares(iter(shares.to_batches()), {0: (0,)}))


def test_nothing_has_no_shares():
    table = share_table([TableStream(table_of(np.empty(0, np.uint64)))])
    assert table.num_rows == 0
    assert list(read_shares(iter(table.to_batches()), {0: (0,)})) == []
