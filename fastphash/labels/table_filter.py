"""Tables of labels without the rows of some images; what stays is as it was, byte for byte."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa

from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.files.table_formats import Format, format_of
from fastphash.labels.label_table import TableNames, name_cells, name_column

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = "\ufeff"


class FilteredTable(NamedTuple):
    """How many rows were kept and left out, and how many of the kept ones name no image."""

    rows: int
    rows_gone: int
    nameless: int


class _Record(NamedTuple):
    """A row of a text, with the name of its image; None for no row, or no name."""

    data: bytes
    name: str | None
    is_row: bool


def read_names(path: Path) -> TableNames:
    """The images that a table names, in its order.

    Raises
    ------
    StoreError
        The file can't be read or is damaged.
    UsageError
        It names no images.
    """
    named, form = name_column(path), format_of(path)
    place: dict[str, int] = {}
    names = _cells(path, path, named, form)
    image = [-1 if name is None else place.setdefault(name, len(place)) for name in names]
    return TableNames(list(place), np.array(image, np.int64))


def filter_table(source: Path, draft: Path, images: TableNames, gone: set[int]) -> FilteredTable:
    """Write a table without the rows of images that go, and read it again.

    Parameters
    ----------
    source, draft : Path
    images : TableNames
        Of the source.
    gone : set of int
        Places of the images that go.

    Raises
    ------
    StoreError
        The source has changed meanwhile, or what was written doesn't hold what it should.
    """
    goes = np.isin(images.image, list(gone))
    names = {images.names[place] for place in gone}
    named, form = name_column(source), format_of(source)
    if form == "parquet":
        if parquet.count_rows(source) != goes.size:
            raise _changed(source)
        parquet.write_filtered(source, draft, pa.array(~goes))
    else:
        with open(draft, "wb") as file:
            for record in _records(source, source, named, form):
                if record.name not in names:
                    file.write(record.data)
    kept: list[int] = images.image[~goes].tolist()
    expected = [images.names[image] if image >= 0 else None for image in kept]
    if _cells(source, draft, named, form) != expected:
        raise _changed(source)
    return FilteredTable(len(kept), int(goes.sum()), kept.count(-1))


def _changed(source: Path) -> StoreError:
    return StoreError(f"{source} has changed while it was filtered: run the same command again")


def _cells(source: Path, path: Path, named: str, form: Format) -> list[str | None]:
    """The names in the rows of a file, which may be the draft of the source."""
    if form == "parquet":
        return name_cells(source, named, parquet.read_table(path, [named])[named])
    return [one.name for one in _records(source, path, named, form) if one.is_row]


def _records(source: Path, path: Path, named: str, form: Format) -> Iterator[_Record]:
    """The records of a text; StoreError, which names the source, for one that can't be read."""
    read: Callable[[IO[bytes], str], Iterator[_Record]] = (
        _csv_records if form == "csv" else _json_records
    )
    try:
        with open(path, "rb") as file:
            if file.read(2) in _UTF_16:
                raise StoreError(f"{source} is UTF-16: write it as UTF-8")
            file.seek(0)
            yield from read(file, named)
    except OSError as error:
        raise StoreError(f"{source}: {error.strerror or error}") from error
    except (csv.Error, ValueError, RecursionError) as error:
        raise StoreError(f"{source}: {error}") from error


def _csv_records(file: IO[bytes], named: str) -> Iterator[_Record]:
    """The header, rows, and empty lines of a CSV file; a row may have several lines."""
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        for line in file:
            taken.append(line)
            yield line.decode(errors="surrogateescape")

    column = -1
    for fields in csv.reader(lines(), strict=True):
        data = b"".join(taken)
        taken.clear()
        if column < 0:
            column = [field.removeprefix(_BOM).strip('"') for field in fields].index(named)
            yield _Record(data, None, is_row=False)
        elif not fields:
            yield _Record(data, None, is_row=False)
        else:
            name = fields[column] if column < len(fields) else ""
            yield _Record(data, name or None, is_row=True)


def _json_records(file: IO[bytes], named: str) -> Iterator[_Record]:
    """The lines of a file of JSON lines."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            yield _Record(line, None, is_row=False)
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is no JSON: {error}") from error
        name = row.get(named) if isinstance(row, dict) else None
        if name is not None and not isinstance(name, str | int):
            raise ValueError(f"line {number}: {named!r} is {name!r:.80}, no name")
        yield _Record(line, None if name in ("", None) else str(name), is_row=True)
