"""Parquet files of any size, read by their row groups; errors are those of `parquet.read_table`."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fastphash.files.parquet import read_batches, reading


def row_group_sizes(path: Path) -> list[int]:
    """The rows of each row group of a Parquet file."""
    with reading(path) as file:
        metadata = pq.read_metadata(file)
        return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def read_row_groups(
    path: Path, groups: list[int], columns: list[str], rows: int
) -> Iterator[pa.Table]:
    """Read some row groups of a Parquet file, so many rows at a time."""
    with reading(path) as file:
        parquet = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
        for batch in parquet.iter_batches(rows, groups, columns, use_threads=False):
            yield pa.table(batch)


def count_nulls(path: Path, columns: Collection[str]) -> dict[str, int]:
    """The nulls of columns of a Parquet file.

    By the file's statistics, where it has any.
    """
    with reading(path) as file:
        metadata = pq.read_metadata(file)
    counts = dict.fromkeys(columns, 0)
    unknown = set()
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            name = chunk.path_in_schema
            if name not in counts:
                continue
            if chunk.is_stats_set and chunk.statistics.has_null_count:
                counts[name] += chunk.statistics.null_count
            else:
                unknown.add(name)
    for name in unknown:
        counts[name] = sum(table[name].null_count for table in read_batches(path, [name]))
    return counts
