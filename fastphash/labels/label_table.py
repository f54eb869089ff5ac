"""The labels of a split in a table: CSV, Parquet or JSON lines, a row for each label."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.text import encodable, listed
from fastphash.errors import StoreError, UsageError
from fastphash.files.table_formats import read_column_names, read_columns
from fastphash.labels.coco import ImageMatching, match_images
from fastphash.labels.coco_check import RejectedEntry
from fastphash.labels.image_sizes import sizes_of
from fastphash.labels.label_source import Categories, ImageLabels, ImageShapes
from fastphash.labels.label_text import LabelFileError, as_text
from fastphash.labels.shapes import UNREADABLE, Shape
from fastphash.store.rows import HashTable

#: How tables are called.
ENDINGS = (".csv", ".parquet", ".jsonl", ".ndjson")
#: Columns with the name of an image: the first that a table has.
NAME_COLUMNS = ("path", "file_name")
LABEL_COLUMN = "label"
#: Columns with the corners of a box, in pixels; a table has all of them, or none.
BOX_COLUMNS = ("xmin", "ymin", "xmax", "ymax")
# larger coordinates are invalid
_MAX_COORDINATE = 1e9
_NO_LABEL = -1


class TableNames(NamedTuple):
    """The images that a table names.

    Attributes
    ----------
    names : list of str
        Each once, in the order of the table.
    image : int64 (n,)
        For each row of the table, the place of its name; -1 without one.
    """

    names: list[str]
    image: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TableLabels:
    """A table of labels, as `LabelSource`.

    Attributes
    ----------
    path : Path
    images : TableNames
    label : int64 (n,)
        For each row the place of its label in `labels`; -1 without one.
    labels : list of str
    boxes : float64 (n, 2, 2)
        Two corners (x, y) of each row in pixels; NaN where there are none.
    rejected : list of RejectedEntry
        Rows that can't be used.
    """

    path: Path
    images: TableNames
    label: NDArray[np.int64]
    labels: list[str]
    boxes: NDArray[np.float64]
    rejected: list[RejectedEntry]

    @property
    def form(self) -> str:
        """The format."""
        return "table"

    @property
    def has_names(self) -> bool:
        """True: labels are words."""
        return True

    def match(self, rows: HashTable) -> ImageMatching:
        """Which of the named images are which rows."""
        return match_images(self.images.names, rows.paths.to_pylist())

    def annotated_rows(self, rows: HashTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows that the table names, and the row of each label."""
        matched = self.match(rows).rows
        of_labels = self.images.image[self.label >= 0]
        return matched[matched >= 0], np.append(matched, -1)[of_labels]

    def categories(self, rows: HashTable) -> Categories:
        """The labels of the images."""
        _, row = self.annotated_rows(rows)
        known = (row >= 0) & (self._known() >= 0)
        return Categories(self.labels, row[known], self._known()[known])

    def open(self, rows: HashTable, wanted: set[bytes]) -> AbstractContextManager[ImageLabels]:
        """The labels of some images."""
        return nullcontext(_OpenTable(self, rows, wanted))

    def _known(self) -> NDArray[np.int64]:
        return self.label[self.label >= 0]


class _OpenTable:
    """The labels of some images; as `ImageLabels`."""

    def __init__(self, table: TableLabels, rows: HashTable, wanted: set[bytes]) -> None:
        self._table = table
        matched = table.match(rows)
        self.matched: ImageMatching | None = matched
        paths = rows.paths.to_pylist()
        self._images: dict[bytes, list[int]] = {}
        for image, row in enumerate(matched.rows.tolist()):
            if row >= 0 and paths[row] in wanted:
                self._images.setdefault(paths[row], []).append(image)
        self._order = np.argsort(table.images.image, kind="stable")
        places = np.arange(len(table.images.names) + 1)
        self._bounds = np.searchsorted(table.images.image[self._order], places)
        has_boxes = bool(np.isfinite(table.boxes).any())
        self._sizes = sizes_of(rows, self._images, str(table.path)) if has_boxes else {}

    def lists(self, path: bytes) -> bool:
        """Whether the table names an image."""
        return path in self._images

    def shapes(self, path: bytes) -> ImageShapes | None:
        """The labels of an image; None if the table doesn't name it."""
        if path not in self._images:
            return None
        table = self._table
        shapes = [
            Shape(table.labels[table.label[row]], table.boxes[row], [])
            for image in self._images[path]
            for row in self._order[self._bounds[image] : self._bounds[image + 1]].tolist()
            if table.label[row] != _NO_LABEL
        ]
        return ImageShapes(shapes, self._sizes.get(path, (1, 1)))


def read_label_table(path: Path) -> TableLabels:
    """Read a whole table of labels.

    A row names an image by `path` or `file_name`, and has one of its labels in `label`, perhaps
    with a box in `xmin`, `ymin`, `xmax` and `ymax`. A row without a label says that the image is
    listed.

    Raises
    ------
    StoreError
        The file can't be read or is damaged.
    UsageError
        It names no images, or a column holds something else than text or numbers.
    """
    named = name_column(path)
    there = read_column_names(path)
    has_boxes = all(name in there for name in BOX_COLUMNS)
    columns = [named, *[LABEL_COLUMN] * (LABEL_COLUMN in there), *BOX_COLUMNS * has_boxes]
    table = _read(path, columns)
    images = _names_of(path, named, table[named])
    if LABEL_COLUMN not in there:
        labels, label = [], np.full(len(table), _NO_LABEL)
    else:
        texts = _as_texts(path, LABEL_COLUMN, table[LABEL_COLUMN])
        encoded = texts.combine_chunks().dictionary_encode()
        labels = [encodable(text) for text in encoded.dictionary.to_pylist()]
        label = encoded.indices.cast(pa.int64()).fill_null(_NO_LABEL).to_numpy()
    boxes = np.full((len(table), 4), np.nan)
    for place, name in enumerate(BOX_COLUMNS * has_boxes):
        boxes[:, place] = _as_numbers(table[name])
    rejected = _reject_nameless(images)
    broken = has_boxes & (label >= 0) & ~(np.abs(boxes) < _MAX_COORDINATE).all(axis=1)
    if broken.any():
        rejected += _reject_boxes(images, broken)
        boxes[broken] = np.nan
        # an object whose place can't be read is none of its label, as in a COCO file
        label = np.where(broken, len(labels), label)
        labels = [*labels, UNREADABLE]
    return TableLabels(path, images, label, labels, boxes.reshape(-1, 2, 2), rejected)


def is_table(path: Path) -> bool:
    """Whether a file of labels is a table, by its name; else it is a COCO file."""
    return path.suffix.lower() in ENDINGS


def name_column(path: Path) -> str:
    """The column that names images; UsageError without one, or for a name of no table."""
    if not is_table(path):
        raise UsageError(
            f"{str(path)!r} is no table by its name: {', '.join(ENDINGS)} are; `coco` takes COCO "
            "files"
        )
    there = read_column_names(path)
    for name in NAME_COLUMNS:
        if name in there:
            return name
    raise UsageError(
        f"{str(path)!r} has no column 'path' or 'file_name', but {listed([*map(repr, there)])}: "
        "rename the column that names images"
    )


def _read(path: Path, columns: list[str]) -> pa.Table:
    table = read_columns(path, columns, binary=(*NAME_COLUMNS, LABEL_COLUMN))
    for name in columns:
        if name not in table.column_names:
            raise StoreError(f"{path} has no column {name!r} any more: it has changed meanwhile")
    return table


def name_cells(path: Path, name: str, column: pa.ChunkedArray) -> list[str | None]:
    """The names in a column; None where there is none. UsageError if it holds something else."""
    # bytes may be no UTF-8, which no text of Arrow holds
    is_text = not _is_bytes(column.type)
    cells = (_as_texts(path, name, column) if is_text else column).to_pylist()
    return [os.fsdecode(cell) if cell else None for cell in cells]


def _names_of(path: Path, name: str, column: pa.ChunkedArray) -> TableNames:
    place: dict[str, int] = {}
    names = name_cells(path, name, column)
    image = [-1 if cell is None else place.setdefault(cell, len(place)) for cell in names]
    return TableNames(list(place), np.array(image, np.int64))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _as_texts(path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text; of CSV, its bytes are decoded."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if _is_bytes(kind):
        texts = [_decoded(path, name, data) if data else None for data in column.to_pylist()]
        return pa.chunked_array([texts], pa.string())
    is_plain = pa.types.is_primitive(kind) or pa.types.is_string(kind)
    if not (is_plain or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise UsageError(f"{str(path)!r}: column {name!r} holds {kind}, neither text nor numbers")
    return column.cast(pa.string())


def _decoded(path: Path, name: str, data: bytes) -> str:
    try:
        return as_text(data)
    except LabelFileError as error:
        raise StoreError(f"{path}: column {name!r}: {error}") from error


def _as_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column of coordinates; NaN for what is none."""
    numbers = column.to_pylist()
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.array([np.nan if value is None else value for value in numbers], np.float64)
    return np.array([_number(value) for value in numbers], np.float64)


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return np.nan


def _reject_nameless(images: TableNames) -> list[RejectedEntry]:
    return [
        RejectedEntry("rows", row, None, None, None, "no name of an image")
        for row in np.flatnonzero(images.image < 0).tolist()
    ]


def _reject_boxes(images: TableNames, broken: NDArray[np.bool_]) -> list[RejectedEntry]:
    reason = f"no box of four numbers in {', '.join(BOX_COLUMNS)}"
    names = [*images.names, None]
    return [
        RejectedEntry("rows", row, None, None, names[images.image[row]], reason)
        for row in np.flatnonzero(broken).tolist()
    ]
