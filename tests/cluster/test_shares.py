import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.cluster.shares import Given, InFiles, read_shares, share_table, shares_of
from fastphash.errors import StoreError
from fastphash.hashing.definition import Definition
from fastphash.store.open import read_hashes
from tests.support.cluster import table_of
from tests.support.stores import hashes, write_hashes, write_store

NAMES = Definition().columns


def columns_of(rows, seed, split):
    named = {name: hashes(rows, seed + t) for t, name in enumerate(NAMES)}
    return {"path": [f"{seed}-{row}.jpg" for row in range(rows)], "split": split, **named}


@pytest.fixture
def store(tmp_path):
    write_store(
        tmp_path / "store",
        columns_of(5, 10, ["a"] * 5),
        columns_of(6, 20, ["a", "b"] * 3),
        columns_of(4, 30, ["b"] * 4),
    )
    return tmp_path / "store"


def read_all(shares):
    """All hashes of shares, as tasks read them; their first rows count on."""
    pieces, row = [], 0
    for first, share in shares:
        assert first == row
        pieces.append(pickle.loads(pickle.dumps(share)).read())
        row += len(pieces[-1])
    return np.concatenate(pieces)


@pytest.mark.parametrize("rows", [1, 6, 11, 1000])
@pytest.mark.parametrize("split", ["", "@a", "@b"])
def test_shares_of_a_store_have_its_hashes(store, split, rows):
    table = read_hashes(f"{store}{split}")
    shares = list(shares_of(table, rows))
    assert all(isinstance(share, InFiles) for _, share in shares)
    np.testing.assert_array_equal(read_all(shares), table.hashes)
    assert len(shares) == {1: 3 if not split else 2, 1000: 1}.get(rows, len(shares))


def test_rows_of_a_table_travel_with_the_share(tmp_path):
    (tmp_path / "x.csv").write_text(
        "path,phash\na,00000000000000ff\nb,8000000000000000\nc,0000000000000002\n"
    )
    table = read_hashes(str(tmp_path / "x.csv"))
    shares = list(shares_of(table, 2))
    assert [type(share) for _, share in shares] == [Given, Given]
    np.testing.assert_array_equal(read_all(shares), table.hashes)


def test_shares_of_a_parquet_file_are_its_row_groups(tmp_path):
    table = pa.table({"path": [f"{i}" for i in range(10)], "phash": hashes(10)})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=3)
    rows = read_hashes(str(tmp_path / "x.parquet"))
    for most, number in ((1, 4), (3, 4), (6, 2), (100, 1)):
        shares = list(shares_of(rows, most))
        assert all(isinstance(share, InFiles) for _, share in shares)
        assert len(shares) == number
        np.testing.assert_array_equal(read_all(shares), rows.hashes)


def test_rows_that_a_file_has_in_another_form_travel(tmp_path):
    texts = write_hashes(
        tmp_path / "x.parquet", path=["a", "b"], phash=["00000000000000ff", "0" * 15 + "1"]
    )
    table = read_hashes(str(texts))
    assert [type(share) for _, share in shares_of(table)] == [Given]
    np.testing.assert_array_equal(read_all(shares_of(table)), table.hashes)
    path = write_hashes(tmp_path / "y.parquet", path=["a", "b"], phash=hashes(2), split=["s", "t"])
    (share,) = shares_of(read_hashes(f"{path}@t"))
    assert isinstance(share[1], Given)
    np.testing.assert_array_equal(share[1].read(), hashes(2)[1:, None])
    named = write_hashes(tmp_path / "z.parquet", file=["a", "b"], h=hashes(2))
    table = read_hashes(str(named), columns={"path": "file", "phash": "h"})
    assert isinstance(next(iter(shares_of(table)))[1], Given)


def test_orientations_that_some_rows_lack_are_left_out(tmp_path):
    hashes_of_t = {"phash_rotate_180": hashes(2, 1), "phash_transpose": [1, None]}
    path = write_hashes(tmp_path / "x.parquet", path=["a", "b"], phash=hashes(2), **hashes_of_t)
    table = read_hashes(str(path))
    assert table.known == (0, 2)
    np.testing.assert_array_equal(read_all(shares_of(table)), table.hashes[:, [0, 2]])


def test_tasks_read_the_shares_of_the_sides_that_they_ask_for(store):
    sides = [table_of(hashes(7)), read_hashes(str(store))]
    batches = share_table(sides, 4).to_batches(max_chunksize=2)
    read = list(read_shares(iter(batches), (1,)))
    assert [side for side, _, _ in read] == [1] * len(read)
    np.testing.assert_array_equal(np.concatenate([h for _, _, h in read]), sides[1].hashes)
    assert {side for side, _, _ in read_shares(iter(batches), (0, 1))} == {0, 1}


def test_a_part_that_is_gone_is_named(store):
    ((_, share),) = shares_of(read_hashes(str(store)))
    (store / "part-000001.parquet").unlink()
    with pytest.raises(StoreError, match="part-000001"):
        share.read()
