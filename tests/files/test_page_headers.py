"""Whether the pages of a Parquet file have checksums."""

import io
import itertools
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.files.page_headers import has_checksums

TABLES = {
    "small": pa.table({"a": [b"x", None], "b": [1, 2]}),
    "large pages": pa.table({"image": [{"bytes": os.urandom(3 << 20)}] * 2}),
    "lists": pa.table({"boxes": [[[1.0, 2.0]], [], None]}),
    "nulls": pa.table({"a": pa.nulls(5, pa.binary())}),
}


def told(data):
    file = pa.BufferReader(data)
    return has_checksums(file, pq.ParquetFile(file))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    ("version", "dictionary", "compression"),
    list(itertools.product(("1.0", "2.0"), (False, True), ("none", "snappy", "zstd"))),
)
def test_checksums_are_seen(name, version, dictionary, compression):
    for checksums in (False, True):
        file = io.BytesIO()
        pq.write_table(
            TABLES[name],
            file,
            data_page_version=version,
            use_dictionary=dictionary,
            compression=compression,
            write_page_checksum=checksums,
        )
        assert told(file.getvalue()) == checksums


def test_what_can_not_be_told_counts_as_checksums():
    file = io.BytesIO()
    pq.write_table(TABLES["small"], file, use_dictionary=False, write_page_checksum=False)
    data = bytearray(file.getvalue())
    assert not told(data)
    # behind the magic bytes; a header that begins with another field
    data[4] = 0x25
    assert told(data)
    file = io.BytesIO()
    pq.write_table(TABLES["small"].slice(0, 0), file, write_page_checksum=False)
    assert told(file.getvalue())
