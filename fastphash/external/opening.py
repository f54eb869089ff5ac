"""Stores and Parquet files, opened as streams of hashes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import UsageError
from fastphash.external.file_stream import FileStream, unread_columns
from fastphash.external.several_streams import SeveralStreams
from fastphash.external.store_stream import StoreStream
from fastphash.external.streams import HashStream
from fastphash.external.table_stream import stream_of
from fastphash.files import parquet
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.store.open import check_distinct_splits, open_rows, read_together, split_target
from fastphash.store.store import open_store
from fastphash.store.table_rows import definition_compared, is_parquet, used_columns

_HASH_BYTES = 8


def open_streams(
    targets: Sequence[str], columns: Mapping[str, str], algorithm: str | None
) -> HashStream:
    """The rows of one or more stores or Parquet files, as one stream.

    Parameters and errors are those of `fastphash.store.open.read_together`; besides:

    Raises
    ------
    UsageError
        A table isn't Parquet, or has hashes of another number of bits than 64, or as text.
    """
    streams = [_open_stream(target, columns, algorithm) for target in targets]
    if len(streams) == 1:
        return streams[0]
    check_distinct_splits(targets, [stream.count_splits() for stream in streams])
    return SeveralStreams(streams)


def open_or_read(
    targets: Sequence[str], columns: Mapping[str, str], algorithm: str | None
) -> HashStream:
    """The same of any tables: those that can't be read in parts are read at once.

    Parameters and errors are those of `fastphash.store.open.read_together`.
    """
    if all(count_hash_bytes(target, columns, algorithm) for target in targets):
        return open_streams(targets, columns, algorithm)
    return stream_of(read_together([*targets], columns, algorithm))


def _open_stream(target: str, columns: Mapping[str, str], algorithm: str | None) -> HashStream:
    path, split = split_target(target)
    stream: HashStream
    if not path.is_file():
        stream = StoreStream(open_rows(path, split, algorithm), target)
    elif is_parquet(path):
        stream = FileStream(path, split, columns, algorithm)
    else:
        raise UsageError(
            f"{path}: a join that uses the disk reads stores and Parquet files: "
            "`fastphash convert` makes a store of a table"
        )
    if stream.definition.bits != 64:
        raise UsageError(
            f"{target}: {stream.definition.algorithm} has {stream.definition.bits} bits, and "
            "`scratch` is for hashes of 64: give more memory, or choose another `hash`"
        )
    return stream


def count_hash_bytes(target: str, columns: Mapping[str, str], algorithm: str | None) -> int:
    """About how many bytes the hashes take that are compared, if they can be read as a stream.

    0 where they can't. Errors are those of `fastphash.store.open.read_hashes`; not all are found.
    """
    path, split = split_target(target)
    if path.is_file():
        return _file_bytes(path, columns, algorithm)
    store = open_store(path)
    if ALGORITHMS[algorithm or store.definition.algorithm].words > 1:
        return 0
    rows = sum(part.rows for part in store.parts if split is None or split in part.splits)
    return rows * _HASH_BYTES * (len(ORIENTATIONS) if store.layout.orientations else 1)


def _file_bytes(path: Path, columns: Mapping[str, str], algorithm: str | None) -> int:
    if not is_parquet(path):
        return 0
    definition = definition_compared(path, columns, algorithm)
    if ALGORITHMS[definition.algorithm].words > 1:
        return 0
    ours = used_columns(path, columns, definition.algorithm)
    if unread_columns(path, ours, definition):
        return 0
    return parquet.count_rows(path) * _HASH_BYTES * len({*definition.columns} & {*ours.values()})
