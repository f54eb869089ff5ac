"""Parquet files without rows that hold other data, so that readers of a folder pass over them.

Not every reader skips names that start with ``_``: Polars reads each file of a folder, and
``*.parquet`` matches them too. A file that has the columns of its neighbours and no rows changes
nothing, whatever stands between the first bytes and the footer:

    PAR1, the data, XXH3-128 of the data and of what follows, the footer, its length, PAR1
"""

import struct
from pathlib import Path

import pyarrow as pa
import xxhash

from fastphash.errors import StoreError
from fastphash.files.atomic import replacing
from fastphash.files.parquet import ParquetWriter

_MAGIC = b"PAR1"
# the length of the footer, and the magic bytes once more
_END_BYTES = 8
_DIGEST_BYTES = 16


def write_data(path: Path, schema: pa.Schema, data: bytes) -> None:
    """Write data into a Parquet file that has these columns and no rows."""
    with replacing(path) as temporary:
        with ParquetWriter(temporary, schema):
            pass
        footer = temporary.read_bytes().removeprefix(_MAGIC)
        temporary.write_bytes(_MAGIC + data + xxhash.xxh3_128_digest(data + footer) + footer)


def read_data(path: Path) -> bytes:
    """The data in such a file.

    Raises
    ------
    StoreError
        The file can't be read, is no such file or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    if len(content) >= len(_MAGIC) + _DIGEST_BYTES + _END_BYTES and content.startswith(_MAGIC):
        (footer_bytes,) = struct.unpack("<I", content[-_END_BYTES : -_END_BYTES + 4])
        end = len(content) - footer_bytes - _END_BYTES - _DIGEST_BYTES
        if end >= len(_MAGIC):
            data, rest = content[len(_MAGIC) : end], content[end:]
            digest, footer = rest[:_DIGEST_BYTES], rest[_DIGEST_BYTES:]
            if xxhash.xxh3_128_digest(data + footer) == digest:
                return data
    raise StoreError(f"{path} is damaged")
