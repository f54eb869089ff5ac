"""Parquet files, written atomically and read with checksums."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fastphash.base.system import sync_file
from fastphash.errors import StoreError
from fastphash.files.atomic import new_draft, one_line, replacing

#: Rows of a Parquet row group; a writer holds one in memory.
ROW_GROUP = 8192
#: The same where a table may have any number of rows: a writer keeps some kB about each group.
LONG_ROW_GROUP = 1 << 16
#: Type of a column of names that repeat.
NAME_TYPE = pa.dictionary(pa.int32(), pa.string())
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_VERSIONS = {"1.0", "2.4", "2.6"}
_DICTIONARY_COLUMNS = (
    "split",
    "format",
    "kind",
    "orientation",
    "needle_split",
    "haystack_split",
    "role",
    "keeper_split",
    "keeper_reason",
    "disagrees",
    "source",
    "container",
)


class ParquetWriter:
    """Writes one Parquet file row group by row group; a context manager.

    Its path is one from `fastphash.files.atomic.replacing`.
    """

    def __init__(self, path: Path, schema: pa.Schema, row_group: int = ROW_GROUP) -> None:
        names = set(schema.names)
        self._schema = schema
        self._row_group = row_group
        # an open file, because pyarrow doesn't take names that aren't UTF-8
        self._file = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in _DICTIONARY_COLUMNS if name in names],
            write_page_checksum=True,
        )
        self._pending: list[pa.Table] = []
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        """Append rows; row groups don't depend on how the rows are divided among calls."""
        self._pending.append(table.cast(self._schema))
        self._rows += table.num_rows
        while self._rows >= self._row_group:
            self._flush(self._row_group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self._rows:
                self._flush(self._rows)
            self._writer.close()
        finally:
            self._file.close()

    def _flush(self, rows: int) -> None:
        table = pa.concat_tables(self._pending)
        self._writer.write_table(plain(table.slice(0, rows)), row_group_size=self._row_group)
        rest = table.slice(rows)
        self._pending = [rest] if rest.num_rows else []
        self._rows = rest.num_rows


def plain(table: pa.Table) -> pa.Table:
    """The same rows in one chunk, their dictionaries reduced to used values in order of appearance.

    So equal rows become equal bytes, however they were divided.
    """
    for i, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            values = table.column(i).cast(pa.string()).combine_chunks()
            table = table.set_column(i, column, values.dictionary_encode().cast(column.type))
    return table.combine_chunks()


def write_table(path: Path, table: pa.Table) -> None:
    """Write a whole table as one Parquet file."""
    with replacing(path) as temporary, ParquetWriter(temporary, table.schema) as writer:
        writer.write(table)


def write_draft(path: Path, table: pa.Table) -> Path:
    """Write a whole table to a draft beside a path, synced, and return its name."""
    draft = new_draft(path)
    try:
        with ParquetWriter(draft, table.schema) as writer:
            writer.write(table)
        sync_file(draft)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def write_filtered(source: Path, draft: Path, keep: pa.Array) -> None:
    """Write the rows of somebody else's file that stay, with its types, settings and metadata.

    `keep` is bool, one a row. Errors are those of `read_table`.
    """
    with reading(source) as file, open(draft, "wb") as output:
        parquet = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
        rows = parquet.read(use_threads=False).filter(keep)
        with writer_like(parquet, output) as writer:
            writer.write_table(rows, LONG_ROW_GROUP)


def writer_like(
    parquet: pq.ParquetFile, output: IO[bytes] | pa.NativeFile, *, checksums: bool = True
) -> pq.ParquetWriter:
    """A writer of a file with the types, settings and metadata of another one.

    `checksums` says whether its pages get some.
    """
    metadata = parquet.metadata
    stores_schema = b"ARROW:schema" in (metadata.metadata or {})
    settings = _settings(metadata.row_group(0)) if metadata.num_row_groups else {}
    version = metadata.format_version if metadata.format_version in _VERSIONS else "2.6"
    writer = pq.ParquetWriter(
        output,
        parquet.schema_arrow,
        version=version,
        store_schema=stores_schema,
        write_page_checksum=checksums,
        **settings,
    )
    if not stores_schema:
        # pyarrow writes other metadata with the schema only
        writer.add_key_value_metadata(metadata.metadata or {})
    return writer


def _settings(group: pq.RowGroupMetaData) -> dict[str, Any]:
    """How a row group was written, as parameters of a writer."""
    columns = [group.column(number) for number in range(group.num_columns)]
    return {
        "compression": {
            column.path_in_schema: "none"
            if column.compression == "UNCOMPRESSED"
            else column.compression
            for column in columns
        },
        "use_dictionary": [
            column.path_in_schema for column in columns if _DICTIONARIES & {*column.encodings}
        ],
        "write_statistics": [column.path_in_schema for column in columns if column.is_stats_set],
        # as older versions of Arrow named what lists hold
        "use_compliant_nested_type": not any(
            ".list.item" in column.path_in_schema for column in columns
        ),
        "sorting_columns": group.sorting_columns or None,
    }


def write_tables(
    path: Path, schema: pa.Schema, pieces: Iterable[pa.Table], count_by: str
) -> dict[str, int]:
    """Write tables to one Parquet file as they arrive; the counts of one column's values."""
    counts: dict[str, int] = {}
    with (
        replacing(path) as temporary,
        ParquetWriter(temporary, schema, LONG_ROW_GROUP) as writer,
    ):
        for table in pieces:
            writer.write(table)
            for value, number in count_values(table[count_by]).items():
                counts[value] = counts.get(value, 0) + number
    return counts


def concat(schema: pa.Schema, pieces: Iterable[pa.Table]) -> pa.Table:
    """One table of any number of tables, even none."""
    return pa.concat_tables([schema.empty_table(), *pieces]).unify_dictionaries()


def count_values(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each text occurs in a column, in order of appearance, without nulls."""
    found = Counter[str]()
    # chunk by chunk, and as it is: a dictionary's texts, one for each row, may take gigabytes
    for chunk in column.chunks:
        for item in pc.value_counts(chunk.drop_null()).to_pylist():
            found[str(item["values"])] += int(item["counts"])
    return dict(found)


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file and check its page checksums.

    Raises
    ------
    StoreError
        The file can't be read, isn't Parquet or is damaged.
    """
    with reading(path) as file:
        # on this thread alone: pyarrow's threads release `file` a moment after they return,
        # and one that does so while the interpreter exits aborts the process
        parquet = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
        return parquet.read(columns=columns, use_threads=False).unify_dictionaries()


def read_batches(path: Path, columns: list[str]) -> Iterator[pa.Table]:
    """Read a Parquet file some rows at a time; errors are those of `read_table`."""
    with reading(path) as file:
        parquet = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
        for batch in parquet.iter_batches(LONG_ROW_GROUP, columns=columns, use_threads=False):
            yield pa.table(batch)


def count_rows(path: Path) -> int:
    """The rows of a Parquet file; StoreError as for `read_table`."""
    with reading(path) as file:
        return int(pq.read_metadata(file).num_rows)


def release_memory() -> None:
    """Give back to the system what pyarrow keeps of the memory that it frees.

    That is a third of a table that was read in parts, 30 MB with a million groups. Of numpy's
    arrays `fastphash.base.system.return_freed_arrays` does so.
    """
    pa.default_memory_pool().release_unused()


def read_schema(path: Path) -> pa.Schema:
    """The Arrow schema of a Parquet file, with its metadata; StoreError as for `read_table`."""
    with reading(path) as file:
        schema = pq.read_schema(file)
        # names that aren't UTF-8 are errors here, and not where somebody looks for a column
        _ = schema.names
        return schema


@contextlib.contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """An open file, and whatever pyarrow raises for its content as StoreError."""
    try:
        # a method of paths, so that those of other places than disks have their own
        with path.open("rb") as file:
            yield file
    except pa.ArrowMemoryError:
        raise  # the file is fine
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or one_line(error)}") from error
    except (pa.ArrowException, ValueError, TypeError, LookupError, OverflowError) as error:
        raise StoreError(f"{path}: {one_line(error)}") from error


def read_fitting(
    path: Path,
    schema: pa.Schema,
    columns: list[str] | None = None,
    *,
    advice: str,
    needed: Collection[str] = (),
    optional: Collection[str] = (),
) -> pa.Table:
    """Read columns of a file that has these of a schema, however they are stored there.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
        Other columns of the file are left out.
    columns : list of str, optional
        Names in the schema; all by default.
    advice : str
        What to do if the file doesn't fit.
    needed : collection of str
        Columns without nulls.
    optional : collection of str
        Columns that may be missing.

    Raises
    ------
    StoreError
        The file can't be read or is damaged; or a column is missing, is there twice, has a type
        whose values aren't those of the schema, or has a null where it mustn't.
    """
    there = read_schema(path).names
    wanted = [name for name in columns or schema.names if name in there or name not in optional]
    for name in wanted:
        if (times := there.count(name)) != 1:
            found = f"several columns {name!r}" if times else f"no column {name!r}"
            raise StoreError(f"{path} has {found}: {advice}")
    table = read_table(path, wanted).select(wanted)
    for place, name in enumerate(wanted):
        column = fit(table[name], schema.field(name).type, f"{path}: column {name!r}", advice)
        if name in needed and column.null_count:
            raise StoreError(f"{path}: column {name!r} has rows without a value: {advice}")
        table = table.set_column(place, schema.field(name), column)
    return table


def fit(column: pa.ChunkedArray, kind: pa.DataType, what: str, advice: str) -> pa.ChunkedArray:
    """The same values as another type; StoreError with the advice if they are none of it."""
    try:
        fitting = _as_type(column, kind)
        if pa.types.is_string(kind):
            # text that isn't UTF-8
            fitting.validate(full=True)
    except (pa.ArrowException, ValueError, TypeError, LookupError) as error:
        raise StoreError(
            f"{what} can't be read as {kind}, because it holds {column.type!s:.200}: {advice}"
        ) from error
    return fitting


def _as_type(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    if pa.types.is_dictionary(kind):
        return plain.cast(kind.value_type).dictionary_encode().cast(kind)
    return plain.cast(kind)
