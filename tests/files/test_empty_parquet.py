import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.files.empty_parquet import read_data, write_data

SCHEMA = pa.schema([("path", pa.string()), ("phash", pa.uint64())])


@pytest.mark.parametrize("data", [b"", b"{}", b"PAR1" * 9, bytes(range(256)) * 400])
def test_the_data_comes_back_and_readers_see_no_rows(tmp_path, data):
    path = tmp_path / "_x.parquet"
    write_data(path, SCHEMA, data)
    assert read_data(path) == data
    table = parquet.read_table(path)
    assert table.num_rows == 0
    assert table.schema.names == SCHEMA.names
    assert [file.name for file in tmp_path.iterdir()] == ["_x.parquet"]


@given(st.binary(max_size=300), st.data())
def test_any_flipped_bit_and_any_cut_is_found(tmp_path_factory, data, draw):
    path = tmp_path_factory.getbasetemp() / "_x.parquet"
    write_data(path, SCHEMA, data)
    whole = path.read_bytes()
    place = draw.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= 1 << draw.draw(st.integers(0, 7))
    for damaged in (bytes(flipped), whole[:place], whole + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match="is damaged"):
            read_data(path)


def test_a_table_and_a_missing_file_are_no_such_file(tmp_path):
    parquet.write_table(tmp_path / "t.parquet", pa.table({"path": ["a"]}))
    with pytest.raises(StoreError, match=r"t\.parquet is damaged"):
        read_data(tmp_path / "t.parquet")
    with pytest.raises(StoreError, match="No such file"):
        read_data(tmp_path / "gone")
