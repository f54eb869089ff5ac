"""Tables written and read as Parquet, CSV or JSON lines, as the ending of the file's name says."""

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, Protocol, Self, get_args

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import json as json_lines

from fastphash.base.text import listed
from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.files.atomic import replacing
from fastphash.files.text_faults import find_fault

Format = Literal["parquet", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
#: Format of a file by the ending of its name.
ENDINGS: dict[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}
#: How files of a format are named.
ENDING: dict[Format, str] = {"parquet": ".parquet", "csv": ".csv", "json": ".jsonl"}

# a spreadsheet takes a cell that begins so for a formula; the apostrophe marks such cells
_STARTS = "(['=+\\-@\t\r\n]|\N{FULLWIDTH EQUALS SIGN}|\N{FULLWIDTH PLUS SIGN}"
# alternatives, because in bytes a set would be one of single bytes
_STARTS += "|\N{FULLWIDTH HYPHEN-MINUS}|\N{FULLWIDTH COMMERCIAL AT})"
_FORMULA, _MARKED = f"^{_STARTS}", f"^'{_STARTS}"


class TableWriter(Protocol):
    """Writes one table in pieces; a context manager."""

    def write(self, table: pa.Table) -> None:
        """Append rows."""

    def __enter__(self) -> Self:
        """Begin the file."""

    def __exit__(self, kind: object, *_: object) -> None:
        """End the file."""


def format_of(path: Path, wanted: Format | None = None) -> Format:
    """The format of a table's file: by the ending of its name; without an ending, Parquet.

    Raises
    ------
    UsageError
        No table has this ending, or it is that of another format than the `wanted` one.

    Examples
    --------
    >>> format_of(Path("pairs.csv")), format_of(Path("pairs")), format_of(Path("pairs"), "csv")
    ('csv', 'parquet', 'csv')
    """
    ending = path.suffix.lower()
    named = ENDINGS.get(ending)
    if wanted is None and ending and named is None:
        raise UsageError(
            f"{path.name!r} is no name of a table: it must end with "
            f"{', '.join(ENDINGS)} (the last three are JSON lines)"
        )
    if wanted is not None and named not in (None, wanted):
        raise UsageError(
            f"`form` {wanted} doesn't fit the name {path.name!r}: end it with {ENDING[wanted]}"
        )
    return wanted or named or "parquet"


def write_table(
    path: Path, table: pa.Table, form: Format | None = None, *, overwrite: bool = True
) -> None:
    """Write a whole table in a format; by default the one of the file's name.

    `overwrite` and errors as for `atomic.replacing`.
    """
    with (
        replacing(path, overwrite=overwrite) as temporary,
        _writer(temporary, table.schema, form or format_of(path), parquet.ROW_GROUP) as writer,
    ):
        writer.write(table)


def write_tables(
    path: Path,
    schema: pa.Schema,
    pieces: Iterable[pa.Table],
    count_by: str,
    form: Format | None = None,
    *,
    overwrite: bool = True,
) -> dict[str, int]:
    """Write tables to one file as they arrive; the counts of one column's values.

    `overwrite` and errors as for `atomic.replacing`.
    """
    counts: dict[str, int] = {}
    with (
        replacing(path, overwrite=overwrite) as temporary,
        _writer(temporary, schema, form or format_of(path), parquet.LONG_ROW_GROUP) as writer,
    ):
        for table in pieces:
            writer.write(table)
            for value, number in parquet.count_values(table[count_by]).items():
                counts[value] = counts.get(value, 0) + number
    return counts


def _writer(path: Path, schema: pa.Schema, form: Format, row_group: int) -> TableWriter:
    if form == "parquet":
        return parquet.ParquetWriter(path, schema, row_group)
    return _CsvWriter(path, schema) if form == "csv" else _JsonLinesWriter(path)


class _CsvWriter:
    """Text is quoted and never a formula; null is an empty cell without quotes."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self._writer = csv.CSVWriter(self._file, _as_text(schema.empty_table(), _cell).schema)

    def write(self, table: pa.Table) -> None:
        # pyarrow before 24 writes a batch twice if one without rows comes first
        if table.num_rows:
            self._writer.write_table(_as_text(table.combine_chunks(), _cell))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._writer.close()
        finally:
            self._file.close()


class _JsonLinesWriter:
    """One object a line, in ASCII."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = open(path, "w", encoding="ascii", newline="\n")  # noqa: SIM115

    def write(self, table: pa.Table) -> None:
        for batch in _as_text(table, _value).to_batches(max_chunksize=parquet.ROW_GROUP):
            self._file.writelines(f"{json.dumps(row)}\n" for row in batch.to_pylist())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _as_text(table: pa.Table, convert: Callable[[Any], Any]) -> pa.Table:
    columns = [convert(_plain(column)) for column in table.columns]
    return pa.table(columns, table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of plain types: hashes and bytes as hexadecimal digits.

    A spreadsheet and most readers of JSON keep 53 bits of a number, and text can't hold any bytes.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_uint64(kind):
        digits = [None if word is None else f"{word:016x}" for word in column.to_pylist()]
        return pa.chunked_array([digits], pa.string())
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        digits = [None if data is None else data.hex() for data in column.to_pylist()]
        return pa.chunked_array([digits], pa.string())
    if pa.types.is_floating(kind):
        # JSON has no word for what is no number
        return pc.if_else(pc.is_finite(column), column, None)
    return column


def _cell(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column for CSV: an apostrophe before each text that could be a formula."""
    if not pa.types.is_string(column.type):
        return column
    marked = pc.binary_join_element_wise("'", column, "")
    return pc.if_else(pc.match_substring_regex(column, _FORMULA), marked, column)


def without_marks(names: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text or bytes without the apostrophes by which `write_table` marks cells of CSV.

    >>> without_marks(pa.chunked_array([["'=a", "''b", "'c", "d"]])).to_pylist()
    ['=a', "'b", "'c", 'd']
    """
    return pc.replace_substring_regex(names, _MARKED, r"\1")


def _value(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column for JSON: 0.9 in single precision as 0.9, not as 0.8999999761581421."""
    if not pa.types.is_float32(column.type):
        return column
    return column.cast(pa.string()).cast(pa.float64())


def read_column_names(path: Path) -> list[str]:
    """The names of the columns of a table; errors are those of `read_columns`.

    JSON lines have those of their first block.
    """
    form = format_of(path)
    if form == "parquet":
        return list(parquet.read_schema(path).names)
    with _reading_text(path, form) as file:
        reader = csv.open_csv(file) if form == "csv" else json_lines.open_json(file)
        with reader:
            return list(reader.schema.names)


def read_columns(path: Path, columns: Collection[str], binary: Collection[str] = ()) -> pa.Table:
    """Some columns of a table in Parquet, CSV or JSON lines, as far as it has them.

    Parameters
    ----------
    path : Path
    columns : collection of str
    binary : collection of str
        Those that are read from CSV as they are: any bytes, and no numbers.

    Raises
    ------
    StoreError
        The file can't be read, is damaged or of another format.
    UsageError
        No table has a name that ends so, or several of these columns have one name.
    """
    form = format_of(path)
    chosen = [name for name in read_column_names(path) if name in columns]
    check_distinct(path, chosen)
    if form == "parquet":
        return parquet.read_table(path, chosen)
    with _reading_text(path, form) as file:
        if form == "json":
            return json_lines.read_json(file).select(chosen)
        types = {name: pa.binary() for name in chosen if name in binary}
        options = csv.ConvertOptions(include_columns=chosen, column_types=types)
        return csv.read_csv(file, convert_options=options).select(chosen)


def read_batches(
    path: Path, columns: Collection[str], binary: Collection[str] = ()
) -> Iterator[pa.Table]:
    """Some columns of a table, some rows at a time; parameters and errors as of `read_columns`."""
    form = format_of(path)
    if form == "parquet":
        yield from parquet.read_batches(path, list(columns))
        return
    with _reading_text(path, form) as file:
        options = csv.ConvertOptions(
            include_columns=columns, column_types=dict.fromkeys(binary, pa.binary())
        )
        reader = (
            csv.open_csv(file, convert_options=options)
            if form == "csv"
            else json_lines.open_json(file)
        )
        with reader:
            for batch in reader:
                yield pa.table(batch).select(list(columns))


@contextlib.contextmanager
def _reading_text(path: Path, form: Literal["csv", "json"]) -> Iterator[IO[bytes]]:
    """As `parquet.reading`, and what pyarrow can't parse in words with the number of the line."""
    try:
        with parquet.reading(path) as file:
            yield file
    except StoreError as error:
        fault = find_fault(path, form) if isinstance(error.__cause__, pa.ArrowInvalid) else ""
        if not fault:
            raise
        raise StoreError(f"{path}: {fault}") from error


def check_distinct(path: Path, names: Collection[str]) -> None:
    """Raise UsageError if several columns of a table have one name."""
    if again := [name for name, number in Counter(names).items() if number > 1]:
        raise UsageError(f"{str(path)!r} has several columns {listed([repr(s) for s in again])}")
