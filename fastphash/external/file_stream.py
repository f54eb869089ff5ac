"""The hashes of a Parquet file, or of one of its splits, as a stream."""

import copy
import itertools
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.errors import StoreError, UsageError
from fastphash.external.streams import BATCH_ROWS, Batch, Chunk, Cut, group_units
from fastphash.files import parquet, row_groups
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.hashing.definition import Definition
from fastphash.store.byte_columns import hash_values
from fastphash.store.rows import HashTable
from fastphash.store.schema import hash_type
from fastphash.store.stored_rows import of_split
from fastphash.store.table_rows import definition_compared, rows_of_table, used_columns

# rows of which all columns are read at once
_LOOKED_UP = 1 << 16
# of nanoseconds: not all file systems count these
_SECOND = 1_000_000_000


class FileStream:
    """See `HashStream`; its units are row groups.

    Raises
    ------
    UsageError
        No such split, or hashes that are text: they are joined in memory only.
    StoreError
        The file holds no hashes, or not in every row, or is damaged.
    """

    def __init__(
        self, path: Path, split: str | None, columns: Mapping[str, str], algorithm: str | None
    ) -> None:
        self._path = path
        self._split = split
        self._is_cut = False
        self._opened = self._status()
        self.name = str(path) if split is None else f"{path}@{split}"
        self.definition = definition_compared(path, columns, algorithm)
        #: our names of columns, by theirs
        self._ours = used_columns(path, columns, self.definition.algorithm)
        self._theirs = {own: name for name, own in self._ours.items()}
        self._check_columns()
        if split is not None and not len(self):
            raise UsageError(f"{path} has no split {split!r}")

    def _check_columns(self) -> None:
        upright = self.definition.columns[0]
        for name in ("path", upright):
            if name not in self._theirs:
                raise StoreError(
                    f"{self._path} has no column {name!r}: a file of hashes has path and "
                    f"{upright}. Name the columns that hold them with `columns`"
                )
        kind = hash_type(ALGORITHMS[self.definition.algorithm])
        for name, found in unread_columns(self._path, self._ours, self.definition).items():
            raise UsageError(
                f"{self._path}: column {name!r} holds {found}, not {kind}: a join that uses "
                "the disk reads no others. `fastphash convert` makes a store of them"
            )
        needed = [name for name in ("path", upright, "split") if name in self._theirs]
        nulls = row_groups.count_nulls(self._path, [self._theirs[name] for name in needed])
        for name in needed:
            if nulls[self._theirs[name]]:
                raise StoreError(
                    f"{self._path}: column {name!r} has rows without a value: `fastphash convert` "
                    "makes a store of the rows with a path and a hash, and lists others"
                )

    def __len__(self) -> int:
        return self._firsts[-1]

    @property
    def key(self) -> Any:
        """What the hashes depend on: it's the same file, and nobody has written it since."""
        return [*self._opened, self._split, sorted(self._ours.items())]

    def _status(self) -> list[Any]:
        try:
            status = os.stat(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from error
        if self._is_cut:
            # another machine calls the same file of a shared disk by other numbers
            return [status.st_size, status.st_mtime_ns // _SECOND]
        times = [status.st_mtime_ns, status.st_ctime_ns]
        return [os.path.realpath(self._path), status.st_dev, status.st_ino, status.st_size, *times]

    @cached_property
    def _firsts(self) -> list[int]:
        """The number of the first row of each row group."""
        sizes = row_groups.row_group_sizes(self._path)
        if self._split is not None:
            own = self._path.stem == self._split
            for group in range(len(sizes)):
                if "split" in self._theirs:
                    sizes[group] = sum(table.num_rows for table in self._tables([group], ["split"]))
                elif not own:
                    sizes[group] = 0
        return list(itertools.accumulate(sizes, initial=0))

    @cached_property
    def known(self) -> tuple[int, ...]:
        """Orientations that have a hash in every row."""
        turned = [name for name in self.definition.columns[1:] if name in self._theirs]
        nulls = row_groups.count_nulls(self._path, [self._theirs[name] for name in turned])
        names = {self.definition.columns[0]}
        for name in turned:
            if not nulls[self._theirs[name]] or self._is_filled(name):
                names.add(name)
        return tuple(t for t, name in enumerate(self.definition.columns) if name in names)

    def _is_filled(self, column: str) -> bool:
        """Whether the rows of the split have a value, though others haven't."""
        groups = list(range(len(self._firsts) - 1))
        tables = self._tables(groups, [column])
        return self._split is not None and not any(table[column].null_count for table in tables)

    @cached_property
    def has_thumbnails(self) -> bool:
        """Whether all rows have one."""
        if "thumbnail" not in self._theirs:
            return False
        return not row_groups.count_nulls(self._path, [self._theirs["thumbnail"]]).popitem()[1]

    def chunks(self) -> Sequence[Chunk]:
        """All rows, in order."""
        return group_units(np.diff(self._firsts).tolist())

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations of the rows of a chunk."""
        names = [self.definition.columns[t] for t in columns]
        first = chunk.first
        for table in self._tables(range(chunk.start, chunk.stop), names):
            if table.num_rows:
                yield Batch(first, [hash_values(table[name]) for name in names])
                first += table.num_rows

    def cut(self, chunk: Chunk) -> Cut:
        """A chunk by itself."""
        self._check_unchanged()
        own = copy.copy(self)
        own._become_cut()  # noqa: SLF001 - of its own class
        return Cut(own, chunk, chunk.first)

    def _become_cut(self) -> None:
        self._path, self._is_cut = self._path.absolute(), True
        self._opened = self._status()

    def take(self, rows: NDArray[np.int64]) -> HashTable:
        """Some rows, by their numbers, which ascend."""
        firsts = np.array(self._firsts)
        pieces = [self._empty()]
        for group in np.unique(np.searchsorted(firsts, rows, "right") - 1).tolist():
            first = int(firsts[group])
            for table in self._tables([group], list(self._theirs), _LOOKED_UP):
                own = rows[slice(*np.searchsorted(rows, [first, first + table.num_rows]))]
                if own.size:
                    pieces.append(table.take(pa.array(own - first)))
                first += table.num_rows
        table = pa.concat_tables(pieces).unify_dictionaries()
        return rows_of_table(table, self._path, self.definition)

    def count_splits(self) -> dict[str, int]:
        """How many rows each split has."""
        if "split" not in self._theirs:
            return {self._path.stem: len(self)} if len(self) else {}
        counts = Counter[str]()
        for table in self._tables(range(len(self._firsts) - 1), ["split"]):
            counts.update(parquet.count_values(table["split"]))
        return dict(counts)

    def narrow(self, columns: Sequence[str]) -> HashTable:
        """These columns of all rows, as far as there are such, and their splits."""
        names = [name for name in self._theirs if name in columns]
        table = self._empty().select(names)
        if names:
            groups = range(len(self._firsts) - 1)
            table = pa.concat_tables([table, *self._tables(groups, names)]).unify_dictionaries()
        if "split" not in names:
            one = pa.array(np.zeros(len(self), np.int32))
            split = pa.DictionaryArray.from_arrays(one, pa.array([self._path.stem]))
            table = table.append_column("split", split) if names else pa.table({"split": split})
        return HashTable(table, self.definition)

    def _empty(self) -> pa.Table:
        schema = parquet.read_schema(self._path)
        fields = [schema.field(name).with_name(own) for name, own in self._ours.items()]
        return pa.schema(fields).empty_table()

    def _tables(
        self, groups: Sequence[int], columns: Sequence[str], rows: int | None = None
    ) -> Iterator[pa.Table]:
        """Columns of some row groups by our names, of the split's rows."""
        filtered = self._split is not None and "split" in self._theirs
        needed = [*columns, *(["split"] if filtered and "split" not in columns else [])]
        theirs = [self._theirs[name] for name in needed]
        self._check_unchanged()
        for table in row_groups.read_row_groups(self._path, [*groups], theirs, rows or BATCH_ROWS):
            own = table.select(theirs).rename_columns(needed)
            if filtered:
                own = of_split(own, self._split)
            yield own.select(list(columns))
        # nor was it while it was read
        self._check_unchanged()

    def _check_unchanged(self) -> None:
        """Raise StoreError if the file isn't the one that was opened, or was written since."""
        if self._status() != self._opened:
            raise StoreError(
                f"{self._path} was replaced or written to while it was read: run the command again"
            )


def unread_columns(
    path: Path, ours: Mapping[str, str], definition: Definition
) -> dict[str, pa.DataType]:
    """The types of the columns of hashes that no stream reads, by our names.

    Parameters
    ----------
    path : Path
        Of a Parquet file.
    ours : mapping of str to str
        Our names of its columns, by theirs.
    definition : Definition
        Of the hashes that are compared.
    """
    schema = parquet.read_schema(path)
    types = {own: schema.field(name).type for name, own in ours.items()}
    kind = hash_type(ALGORITHMS[definition.algorithm])
    return {name: types[name] for name in definition.columns if types.get(name, kind) != kind}
