"""Parquet files without some rows."""

import datetime as dt
import errno
import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.clean.shards import open_shard
from fastphash.clean.shards import parquet as parquet_shard
from fastphash.files.assembled import NewFile
from fastphash.files.page_headers import has_checksums
from fastphash.sources.containers.format import ContainerError
from tests.clean.shards.test_tar import without


@pytest.fixture
def table():
    """Twenty rows of many types."""
    rows = range(20)
    columns = {
        "image": [None if i == 5 else {"bytes": os.urandom(50), "path": f"{i}.jpg"} for i in rows],
        "label": pa.array([str(i % 3) for i in rows]).dictionary_encode(),
        "boxes": [[[float(i), 0.5]] * (i % 3) for i in rows],
        "taken": [dt.datetime(2020, 1, 1 + i, tzinfo=dt.UTC) for i in rows],
        "nothing": pa.nulls(20, pa.int64()),
    }
    fields = pa.table(columns)
    field = fields.schema.field("label").with_metadata({"unit": "none"})
    schema = fields.schema.set(1, field).with_metadata({"huggingface": '{"info": {}}', "b": "x"})
    return fields.cast(schema)


def properties(data):
    """What is the same of a file and of the one without some rows."""
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    first = metadata.row_group(0)
    columns = [first.column(i) for i in range(first.num_columns)]
    of_columns = [
        (one.path_in_schema, one.compression, set(one.encodings), one.is_stats_set)
        for one in columns
    ]
    keys = {key for key in metadata.metadata if key != b"ARROW:schema"}
    return metadata.format_version, metadata.schema.to_arrow_schema(), of_columns, keys


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zstd", "use_dictionary": False, "write_statistics": ["taken"]},
        {"compression": "none", "version": "1.0", "use_compliant_nested_type": False},
        {"compression": {"image.bytes": "none", "label": "gzip", "taken": "brotli"}},
        {"sorting_columns": [pq.SortingColumn(3)]},
        {"store_schema": False},
    ],
)
def test_what_stays_is_as_it_was(tmp_path, table, options):
    with pq.ParquetWriter(tmp_path / "x.parquet", table.schema, **options) as writer:
        if options.get("store_schema") is False:
            writer.add_key_value_metadata(table.schema.metadata)
        writer.write_table(table, 6)
    left = without(tmp_path / "x.parquet", b"0", b"7", b"18", b"19")
    before = (tmp_path / "x.parquet").read_bytes()
    assert properties(left) == properties(before)
    stays = [row for row in range(20) if row not in (0, 7, 18, 19)]
    wanted = pq.ParquetFile(io.BytesIO(before)).read().take(stays)
    file = pq.ParquetFile(io.BytesIO(left))
    assert file.read().to_pylist() == wanted.to_pylist()
    assert file.schema_arrow.equals(wanted.schema, check_metadata=True)
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    # the last group had rows 18 and 19 alone
    assert [group.num_rows for group in groups] == [5, 5, 6]
    assert groups[0].sorting_columns == tuple(options.get("sorting_columns", ()))


@pytest.mark.parametrize("checksums", [False, True])
def test_pages_have_checksums_if_they_had_some(tmp_path, table, checksums):
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, write_page_checksum=checksums)
    left = pa.BufferReader(without(path, b"0"))
    assert has_checksums(left, pq.ParquetFile(left)) == checksums


def test_a_row_group_that_memory_may_not_hold_becomes_several(tmp_path, table, monkeypatch):
    monkeypatch.setattr(parquet_shard, "_MOST_BYTES", 500)
    monkeypatch.setattr(parquet_shard, "_BATCH_BYTES", 400)
    pq.write_table(table, tmp_path / "x.parquet")
    file = pq.ParquetFile(io.BytesIO(without(tmp_path / "x.parquet", b"3")))
    assert file.num_row_groups > 2
    assert file.read().equals(table.take([i for i in range(20) if i != 3]))


def test_a_damaged_one_is_refused(tmp_path, table):
    pq.write_table(table, tmp_path / "x.parquet", compression="none", write_page_checksum=True)
    data = bytearray((tmp_path / "x.parquet").read_bytes())
    data[data.index(table["image"][9]["bytes"].as_py())] ^= 1
    (tmp_path / "x.parquet").write_bytes(data)
    with open_shard(os.fsencode(tmp_path / "x.parquet"), None) as shard:
        shard.members()
        with pytest.raises(ContainerError, match=r"(?i)crc"):
            shard.write({b"1"}, io.BytesIO())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_said_once(tmp_path):
    pq.write_table(pa.table({"image": [os.urandom(1 << 17)]}), tmp_path / "x.parquet")
    shard = parquet_shard.ParquetShard(os.fsencode(tmp_path / "x.parquet"), "image")
    with open("/dev/full", "wb") as full, shard, pytest.raises(ContainerError) as caught:
        shard.write([], NewFile(full, b"/dev/full"))
    assert str(caught.value) == os.strerror(errno.ENOSPC)
