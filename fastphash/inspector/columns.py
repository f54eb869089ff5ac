"""groups.parquet as columns: a million groups without a Python object for each."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLOURS, KINDS, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.results.audit_folder import GROUPS, AuditFolder, read_groups
from fastphash.results.pair_parts import PART_COLUMNS, PairParts, read_parts
from fastphash.results.schemas import LOOKED, are_unlooked

#: Stands for a missing value: a keeper has no kind.
NONE = 255


@dataclass(frozen=True)
class GroupColumns:
    """The rows of groups.parquet; the keeper of each group comes first.

    Attributes
    ----------
    splits : list of str
        Names of the audited splits.
    starts : int64 (groups + 1,)
        The first row of each group, its keeper's; then the number of rows.
    split : uint8 or uint16 (n,)
        Index into `splits`.
    kind : uint8 (n,)
        NONE for keepers.
    distance, orientation : uint8 (n,)
        0 for keepers.
    score : float32 (n,)
        NaN where it isn't known.
    colour : uint8 (n,)
        NONE where it isn't known.
    reasons : list of str
        Why keepers stay rather than their copies.
    reason : uint8 or uint16 (n,)
        Index into `reasons`; the largest value for keepers.
    unlooked : bool (n,)
        Whether a row is a sure copy whose pixels nobody compared.
    paths : pyarrow.ChunkedArray of string (n,)
    path_bytes : pyarrow.ChunkedArray of binary (n,), optional
        Exact paths of the rows whose path isn't UTF-8, null in others; None if all are null.
    part_rows : int64 (m,)
        The rows that have a window or a place, ascending.
    part_table : pyarrow.Table (m,)
        Columns PART_COLUMNS of these rows.
    """

    splits: list[str]
    starts: NDArray[np.int64]
    split: NDArray[Any]
    kind: NDArray[np.uint8]
    distance: NDArray[np.uint8]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    reasons: list[str]
    reason: NDArray[Any]
    unlooked: NDArray[np.bool_]
    paths: pa.ChunkedArray
    path_bytes: pa.ChunkedArray | None
    part_rows: NDArray[np.int64]
    part_table: pa.Table

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self.starts) - 1

    @property
    def rows(self) -> int:
        """How many images are in groups."""
        return int(self.starts[-1])

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """Images of each group, int32 (groups,)."""
        return np.diff(self.starts).astype(np.int32)

    @cached_property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether a row is a copy and not a keeper, bool (n,)."""
        copies = np.ones(self.rows, np.bool_)
        copies[self.starts[:-1]] = False
        return copies

    @cached_property
    def across(self) -> NDArray[np.bool_]:
        """Whether a group has images of several splits, bool (groups,)."""
        across: NDArray[np.bool_] = np.not_equal(
            self.reduce(np.minimum, self.split), self.reduce(np.maximum, self.split)
        )
        return across

    @cached_property
    def furthest(self) -> NDArray[np.uint8]:
        """The largest distance of a copy in each group, uint8 (groups,)."""
        return self.reduce(np.maximum, self.distance)

    def reduce(self, operation: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """Reduce a column to one value for each group."""
        if not len(self):
            return values[:0]
        reduced: NDArray[Any] = operation.reduceat(values, self.starts[:-1])
        return reduced

    def count(self, marked: NDArray[np.bool_]) -> NDArray[np.int32]:
        """How many rows of each group are marked, int32 (groups,)."""
        if not len(self):
            return np.zeros(0, np.int32)
        counts: NDArray[np.int32] = np.add.reduceat(marked, self.starts[:-1], dtype=np.int32)
        return counts

    def parts(self, row: int) -> PairParts | None:
        """What to outline on a copy and its keeper."""
        place = int(np.searchsorted(self.part_rows, row))
        if place == self.part_rows.size or self.part_rows[place] != row:
            return None
        return read_parts(self.part_table.slice(place, 1))[0]

    def exact_path(self, row: int) -> bytes:
        """The exact path of one row."""
        exact = None if self.path_bytes is None else self.path_bytes[row].as_py()
        path: bytes = self.paths[row].as_py().encode() if exact is None else exact
        return path

    def exact_paths(self, start: int, count: int) -> list[bytes]:
        """The exact paths of `count` rows from `start` on."""
        paths = self.paths.slice(start, count).cast(pa.binary())
        if self.path_bytes is not None:
            paths = pc.coalesce(self.path_bytes.slice(start, count), paths)
        exact: list[bytes] = paths.to_pylist()
        return exact


def read_columns(audited: AuditFolder) -> GroupColumns:
    """Read the groups of an audit; StoreError if they are damaged."""

    def read(name: str) -> pa.ChunkedArray:
        # one column at a time, and what reading the last one took is given back before the next
        parquet.release_memory()
        return read_groups(audited.folder, [name])[name]

    # what takes most room for a while comes first
    paths = read("path")
    unlooked = _read_unlooked(audited.folder)
    starts = _starts(read("group").to_numpy(), audited)
    orientation = encode_names(read("orientation"), ORIENTATIONS)
    orientation[starts[:-1]] = 0
    reason = read("keeper_reason")
    reasons = sorted({name for chunk in reason.chunks for name in chunk.dictionary.to_pylist()})
    path_bytes = read("path_bytes")
    part_rows, part_table = _read_parts(audited.folder)
    columns = GroupColumns(
        audited.splits,
        starts,
        encode_names(read("split"), audited.splits),
        encode_names(read("kind"), KINDS),
        read("distance").fill_null(0).to_numpy(),
        orientation,
        read("score").to_numpy().astype(np.float32, copy=False),
        encode_names(read("colour"), COLOURS),
        reasons,
        encode_names(reason, reasons),
        unlooked,
        paths,
        None if path_bytes.null_count == len(path_bytes) else path_bytes,
        part_rows,
        part_table,
    )
    parquet.release_memory()
    return columns


def _read_unlooked(folder: Path) -> NDArray[np.bool_]:
    """Whether rows of groups.parquet are sure copies whose pixels nobody compared."""
    told = LOOKED[0] if LOOKED[0] in parquet.read_schema(folder / GROUPS).names else "same_pixels"
    return are_unlooked(read_groups(folder, ["kind", told]))


def _read_parts(folder: Path) -> tuple[NDArray[np.int64], pa.Table]:
    """The rows of groups.parquet that have a window or a place, and what they have."""
    if not {*PART_COLUMNS} <= {*parquet.read_schema(folder / GROUPS).names}:
        # an audit of an earlier version
        return np.zeros(0, np.int64), pa.table({})

    def read(name: str) -> pa.ChunkedArray:
        return read_groups(folder, [name])[name]

    rows = np.flatnonzero(pc.or_(read("window").is_valid(), read("place").is_valid()).to_numpy())
    return rows, pa.table({name: read(name).take(pa.array(rows)) for name in PART_COLUMNS})


def encode_names(column: pa.ChunkedArray, names: list[str] | tuple[str, ...]) -> NDArray[Any]:
    """Indices into `names`, uint8 or uint16; the largest value for null and unknown names."""
    codes = np.empty(len(column), np.uint8 if len(names) < NONE else np.uint16)
    start = 0
    for chunk in column.chunks:
        index = pc.index_in(chunk.dictionary, pa.array(names, pa.string()))
        code_of = np.append(index.fill_null(-1).to_numpy().astype(np.int64), -1)
        entries = chunk.indices.fill_null(len(chunk.dictionary)).to_numpy()
        codes[start : start + len(chunk)] = code_of[entries].astype(codes.dtype)
        start += len(chunk)
    return codes


def _starts(group: NDArray[np.int64], audited: AuditFolder) -> NDArray[np.int64]:
    """The first row of each group, and the number of rows."""
    firsts = np.flatnonzero(np.concatenate(([group.size > 0], group[1:] != group[:-1])))
    if not np.array_equal(group[firsts], np.arange(firsts.size)):
        raise StoreError(f"{audited.folder / GROUPS} is damaged: run the audit again")
    return np.append(firsts, group.size).astype(np.int64)
