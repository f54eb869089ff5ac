"""What pyarrow doesn't tell of the pages of a Parquet file: whether they have checksums."""

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pyarrow.parquet as pq

# A header begins with four whole numbers: the kind of the page, its bytes unfolded and as stored,
# and the checksum, which may be missing. In Thrift's compact protocol each has this byte before it,
# for a field of 32 bits that follows the one before, and takes 5 bytes at most.
_NEXT_NUMBER = 0x15
_LONGEST = 3 * 6 + 1


def has_checksums(file: pa.NativeFile, parquet: "pq.ParquetFile") -> bool:
    """Whether a page of the first row group has a checksum, or can't be told to have none.

    Parameters
    ----------
    file : pyarrow.NativeFile
        The bytes of `parquet`; its position may change.
    """
    metadata = parquet.metadata
    if not metadata.num_row_groups or not metadata.row_group(0).num_rows:
        return True
    group = metadata.row_group(0)
    return any(_has_checksum(file, group.column(i)) for i in range(group.num_columns))


def _has_checksum(file: pa.NativeFile, chunk: "pq.ColumnChunkMetaData") -> bool:
    """Whether the first page of a column has one."""
    # a column without a dictionary may say that it is at byte 0
    file.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
    header: bytes = file.read(_LONGEST)
    at = 0
    for _ in range(3):
        if header[at : at + 1] != bytes([_NEXT_NUMBER]):
            return True
        at += 1
        # all bytes of a number but its last have the highest bit
        while header[at : at + 1] > b"\x7f":
            at += 1
        at += 1
    return header[at : at + 1] == bytes([_NEXT_NUMBER])
