"""References to a store: what is hashed anew, what is kept, what is rejected."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from fastphash import tables
from fastphash.discover import Entry, Source, check_sources
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.store import (
    HASH_COLUMNS,
    PART_ROWS,
    REJECTED,
    REJECTED_SCHEMA,
    Definition,
    Layout,
    Part,
    Store,
    create_store,
    exact_paths,
    is_store,
    open_store,
    path_columns,
    store_schema,
)
from fastphash.thumbnail import SIDE
from fastphash.workers import Batch, Recipe, Rejection, Workers, worker_count

#: Called as progress(stage, done, total); total is 0 while it isn't known.
Progress = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """Report nothing."""


class Hashed(NamedTuple):
    """Hashes of images, and the inputs without one: `pyarrow.Table` both.

    Attributes
    ----------
    table
        Columns of a store but for split; rows in input order.
    rejected
        Columns path, path_bytes, stage, reason.
    """

    table: pa.Table
    rejected: pa.Table


def hash_images(
    paths: Iterable["str | bytes | os.PathLike[str]"],
    *,
    workers: int | None = None,
    definition: Definition | None = None,
    orientations: bool = True,
    thumbnails: bool = True,
    progress: Progress = no_progress,
) -> Hashed:
    """Hash image files with worker processes.

    In a script, call it below ``if __name__ == "__main__":``, as everything that starts processes.

    Parameters
    ----------
    paths : iterable of paths
        Files that are no images are rejected, whatever their names.
    workers : int, optional
        Processes; one for each core by default.
    definition : Definition, optional
        How to hash; the default equals ImageHash under Pillow 13.
    orientations, thumbnails : bool
        Whether to make these columns.
    progress : callable, optional
        Called as ``progress("hashing", done, 0)``.

    Raises
    ------
    UsageError
        No workers asked for, or one path instead of several.
    WorkerError
        They could not be started.
    """
    if isinstance(paths, (str, bytes)):
        raise UsageError(f"hash_images takes several paths, not one: [{paths!r}]")
    definition, layout = definition or Definition(), Layout(orientations, thumbnails)
    schema = store_schema(definition, layout)
    made, rejected, done = [schema.empty_table()], [], 0
    with Workers(worker_count(workers), _recipe(definition, layout)) as pool:
        for batch in pool.hash_files(b"", (os.fsencode(path) for path in paths)):
            made.append(_batch_table("", batch, schema))
            rejected += batch.rejected
            rejected += [Rejection(path, "identify", "not an image") for path in batch.skipped]
            done += batch.inputs
            progress("hashing", done, 0)
    table = tables.plain(pa.concat_tables(made))
    return Hashed(
        table.drop_columns(["split"]), _rejected_table({"": rejected}).drop_columns(["split"])
    )


@dataclass(slots=True)
class Tally:
    """What became of the inputs of a split.

    Attributes
    ----------
    hashed : int
        New or changed, with a hash now.
    kept : int
        Unchanged since they were hashed.
    rejected, skipped : int
        Without a hash: images that can't be read, and files that are none.
    changed, gone : int
        Of the rows that the store had: hashed (or rejected) again, and dropped.
    """

    hashed: int = 0
    kept: int = 0
    rejected: int = 0
    skipped: int = 0
    changed: int = 0
    gone: int = 0

    @property
    def inputs(self) -> int:
        """Everything that was found."""
        return self.hashed + self.kept + self.rejected + self.skipped


def hash_into(
    path: Path,
    sources: list[Source],
    *,
    definition: Definition | None = None,
    layout: Layout | None = None,
    workers: int | None = None,
    progress: Progress = no_progress,
    avoid: Path | None = None,
) -> dict[str, Tally]:
    """Bring a store up to date with its sources: hash what is new or changed, drop what is gone.

    Splits of the store that are not among the sources stay as they are.

    Parameters
    ----------
    path : Path
        The store; made if it isn't there.
    sources : list of Source
    definition, layout
        How to hash and what to keep; must be the store's if there is one.
    workers : int, optional
        Processes; one for each core by default.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.
    avoid : Path, optional
        A folder not to look into, where it lies in a source; the store itself by default.

    Returns
    -------
    dict of str to Tally
        By split.

    Raises
    ------
    UsageError
        Splits that can't stand side by side, or something else in the folder.
    StoreError
        The folder can't be written, or the store is damaged.
    DefinitionError
        The store was made in another way.
    """
    check_sources(sources)
    definition, layout = definition or Definition(), layout or Layout()
    count = worker_count(workers)
    store = _open_or_create(path, definition, layout)
    store.remove_orphans()
    return _Update(store, sources, count, progress, avoid or path).run()


def _recipe(definition: Definition, layout: Layout) -> Recipe:
    return Recipe(definition.decoding(), definition.pass_order, layout.orientations)


def _open_or_create(path: Path, definition: Definition, layout: Layout) -> Store:
    if not is_store(path):
        return create_store(path, definition, layout)
    store = open_store(path)
    if not os.access(path, os.W_OK):
        raise StoreError(f"can't write {str(path)!r}: permission denied")
    store.verify()
    for has, wanted in ((store.definition, definition), (store.layout, layout)):
        if has != wanted:
            raise DefinitionError(
                f"{path} was made with: {has}; this run asks for: {wanted}. "
                "Ask for the same, or name a new folder"
            )
    return store


# marks of the rows that a store has
_GONE, _KEPT, _CHANGED = range(3)


class _Stored:
    """Which files a store has, by (split, path), and what they looked like."""

    def __init__(self, store: Store) -> None:
        names = ["split", "path", "path_bytes", "size", "mtime_ns"]
        parts = [store.read_part(part, names) for part in store.parts]
        self.ends = np.cumsum([table.num_rows for table in parts], dtype=np.int64)
        table = pa.concat_tables([store.schema.empty_table().select(names), *parts])
        self.splits = np.array(table["split"].to_pylist(), object)
        self.size = table["size"].to_numpy()
        self.mtime = table["mtime_ns"].to_numpy()
        paths = exact_paths(table).to_pylist()
        keys = b"".join(map(_key, self.splits, paths))
        words = np.frombuffer(keys, np.uint64).reshape(-1, 2)
        self._rows = np.argsort(words[:, 0])
        self._keys = words[self._rows]

    def find(self, split: str, path: bytes) -> int:
        """The row of a file, or -1."""
        high, low = np.frombuffer(_key(split, path), np.uint64)
        at = int(np.searchsorted(self._keys[:, 0], high))
        while at < len(self._keys) and self._keys[at, 0] == high:
            if self._keys[at, 1] == low:
                return int(self._rows[at])
            at += 1
        return -1


def _key(split: str, path: bytes) -> bytes:
    return xxhash.xxh3_128_digest(split.encode() + b"\0" + path)


class _Update:
    """One run of `hash_into`."""

    def __init__(
        self,
        store: Store,
        sources: list[Source],
        workers: int,
        progress: Progress,
        avoid: Path,
    ) -> None:
        self.store = store
        self.sources = sources
        self.workers = workers
        self.progress = progress
        self.avoid = avoid
        self.stored = _Stored(store)
        self.marks = np.full(self.stored.size.size, _GONE, np.uint8)
        self.tally = {source.split: Tally() for source in sources}
        self.rejected: dict[str, list[Rejection]] = {source.split: [] for source in sources}
        self.done = 0
        self.total = 0

    def run(self) -> dict[str, Tally]:
        fresh = self.look()
        self.store.roots |= {source.split: os.fsdecode(source.root) for source in self.sources}
        if fresh or (self.marks != _KEPT).any():
            self.progress("starting workers", 0, 0)
            recipe = _recipe(self.store.definition, self.store.layout)
            with Workers(self.workers, recipe) as pool:
                self.rewrite_parts(pool)
                self.add_parts(pool)
        self.finish()
        return self.tally

    def look(self) -> int:
        """Walk once: count, and mark the rows that still hold. Returns the number of new inputs."""
        self.marks[~np.isin(self.stored.splits, list(self.tally))] = _KEPT
        fresh = seen = 0
        for source in self.sources:
            tally = self.tally[source.split]
            # of another folder, equal names, sizes and times prove nothing
            moved = self.store.roots.get(source.split) != os.fsdecode(source.root)
            for entry in source.entries(self.avoid):
                seen += 1
                if seen % 1000 == 0:
                    self.progress("looking for files", seen, 0)
                row = self._find(source, entry)
                if row < 0:
                    fresh += 1
                elif not moved and self._unchanged(source, entry, row):
                    self.marks[row] = _KEPT
                    tally.kept += 1
                else:
                    self.marks[row] = _CHANGED
                    tally.changed += 1
            of_split = self.marks[self.stored.splits == source.split]
            tally.gone = int((of_split == _GONE).sum())
        self.progress("looking for files", seen, seen)
        self.total = fresh + int((self.marks == _CHANGED).sum())
        return fresh

    def rewrite_parts(self, pool: Workers) -> None:
        """Make those parts again in which files have changed or are gone."""
        start = 0
        for part, end in zip(list(self.store.parts), self.stored.ends, strict=True):
            marks = self.marks[start:end]
            if (marks != _KEPT).any():
                self._rewrite(part, marks, pool)
            start = end

    def add_parts(self, pool: Workers) -> None:
        """Hash what the store doesn't have into new parts, in canonical order."""
        pending: list[pa.Table] = []
        rows = 0
        for source in self.sources:
            for batch in self._hash(source, self._fresh(source), pool):
                pending.append(batch)
                rows += batch.num_rows
                if rows >= PART_ROWS:
                    table = pa.concat_tables(pending)
                    self._add_part(table.slice(0, PART_ROWS))
                    pending = [table.slice(PART_ROWS)]
                    rows -= PART_ROWS
        if rows:
            self._add_part(pa.concat_tables(pending))

    def _add_part(self, table: pa.Table) -> None:
        self.store.parts.append(self._write_part(table))
        self.store.save()

    def finish(self) -> None:
        """Write the rejected and the manifest."""
        before = self.store.rejected()
        others = before.filter(
            pa.array([split not in self.tally for split in before["split"].to_pylist()], pa.bool_())
        )
        table = tables.plain(pa.concat_tables([others, _rejected_table(self.rejected)]))
        tables.write_table(self.store.path / REJECTED, table)
        self.store.skipped |= {split: tally.skipped for split, tally in self.tally.items()}
        self.store.save()

    def _find(self, source: Source, entry: Entry) -> int:
        if entry.special or entry.problem or not self.marks.size:
            return -1
        return self.stored.find(source.split, entry.path)

    def _unchanged(self, source: Source, entry: Entry, row: int) -> bool:
        try:
            status = os.stat(os.path.join(source.root, entry.path))
        except OSError:
            return False
        known = (self.stored.size[row], self.stored.mtime[row])
        return (status.st_size, status.st_mtime_ns) == known

    def _fresh(self, source: Source) -> Iterator[bytes]:
        tally, rejected = self.tally[source.split], self.rejected[source.split]
        for entry in source.entries(self.avoid):
            if entry.special:
                tally.skipped += 1
            elif entry.problem:
                tally.rejected += 1
                rejected.append(Rejection(entry.path, "list", entry.problem))
            elif self._find(source, entry) < 0:
                yield entry.path

    def _hash(self, source: Source, paths: Iterable[bytes], pool: Workers) -> Iterator[pa.Table]:
        tally = self.tally[source.split]
        for batch in pool.hash_files(source.root, paths):
            tally.hashed += len(batch.paths)
            tally.rejected += len(batch.rejected)
            tally.skipped += len(batch.skipped)
            self.rejected[source.split] += batch.rejected
            self.done += batch.inputs
            self.progress("hashing", self.done, max(self.total, self.done))
            yield _batch_table(source.split, batch, self.store.schema)

    def _rewrite(self, part: Part, marks: NDArray[np.uint8], pool: Workers) -> None:
        table = self.store.read_part(part)
        splits = table["split"].to_pylist()
        paths = exact_paths(table).to_pylist()
        pieces = [table]
        place = {row: row for row in np.flatnonzero(marks == _KEPT).tolist()}
        end = table.num_rows
        for source in self.sources:
            rows = [r for r in np.flatnonzero(marks == _CHANGED) if splits[r] == source.split]
            row_of = {paths[row]: int(row) for row in rows}
            for made in self._hash(source, row_of, pool):
                for path in exact_paths(made).to_pylist():
                    place[row_of[path]] = end
                    end += 1
                pieces.append(made)
        order = pa.array([place[row] for row in sorted(place)], pa.int64())
        table = pa.concat_tables(pieces).take(order)
        at = self.store.parts.index(part)
        self.store.parts[at : at + 1] = [self._write_part(table)] if table.num_rows else []
        # a run killed before this has the old part still, after it the new one: both are whole
        self.store.save()
        self.store.part_path(part).unlink()

    def _write_part(self, table: pa.Table) -> Part:
        """Write rows under a name that the manifest doesn't list yet."""
        name = self.store.new_part_name()
        path = self.store.path / name
        tables.write_table(path, table)
        return Part(name, table.num_rows, tables.file_digest(path))


def _batch_table(split: str, batch: Batch, schema: pa.Schema) -> pa.Table:
    rows = len(batch.paths)
    path, path_bytes = path_columns(batch.paths)
    columns = {
        "split": pa.array([split] * rows, pa.string()).dictionary_encode(),
        "path": path,
        "path_bytes": path_bytes,
        "size": pa.array(batch.sizes, pa.int64()),
        "mtime_ns": pa.array(batch.mtimes, pa.int64()),
        "digest": pa.array(batch.digests, pa.binary(16)),
        "format": pa.array(batch.formats, pa.string()).dictionary_encode(),
        "width": pa.array([width for width, _ in batch.shapes], pa.int32()),
        "height": pa.array([height for _, height in batch.shapes], pa.int32()),
    }
    for t in range(batch.hashes.shape[1]):
        columns[HASH_COLUMNS[t]] = pa.array(np.ascontiguousarray(batch.hashes[:, t]))
    if "thumbnail" in schema.names:
        pixels = pa.py_buffer(np.ascontiguousarray(batch.thumbnails))
        kind = pa.binary(SIDE * SIDE)
        columns["thumbnail"] = pa.FixedSizeBinaryArray.from_buffers(kind, rows, [None, pixels])
    if not rows:
        return schema.empty_table()
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _rejected_table(rejected: dict[str, list[Rejection]]) -> pa.Table:
    rows = [(split, *rejection) for split, several in rejected.items() for rejection in several]
    path, path_bytes = path_columns([row[1] for row in rows])
    columns = [
        pa.array([row[0] for row in rows], pa.string()).dictionary_encode(),
        path,
        path_bytes,
        pa.array([row[2] for row in rows], pa.string()),
        pa.array([row[3] for row in rows], pa.string()),
    ]
    return pa.table(columns, schema=REJECTED_SCHEMA)
