"""References to a store: what is hashed anew, what is kept, what is rejected."""

import logging
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
from fastphash.errors import DefinitionError, FastphashError, StoreError, UsageError
from fastphash.store import (
    CHROMA_BYTES,
    HASH_COLUMNS,
    PART_ROWS,
    REJECTED,
    REJECTED_SCHEMA,
    Definition,
    Layout,
    Part,
    Store,
    check_new,
    create_store,
    exact_paths,
    is_store,
    locked,
    open_store,
    path_columns,
    store_schema,
)
from fastphash.words import MAX_PIXELS, SIDE, TIMEOUT
from fastphash.workers import (
    Batch,
    Recipe,
    Rejection,
    Workers,
    check_timeout,
    worker_count,
)

_log = logging.getLogger(__name__)

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
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
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
        Whether to make these columns; chroma comes with the thumbnails.
    timeout : float
        Seconds for one image; one that takes longer twice is rejected, as one that crashes.
    max_pixels : int
        Larger images are rejected by their headers.
    progress : callable, optional
        Called as ``progress("hashing", done, 0)``.

    Raises
    ------
    UsageError
        No workers asked for, no time, or one path instead of several.
    WorkerError
        They could not be started.
    """
    if isinstance(paths, (str, bytes)):
        raise UsageError(f"hash_images takes several paths, not one: [{paths!r}]")
    definition, layout = definition or Definition(), Layout(orientations, thumbnails)
    schema = store_schema(definition, layout)
    made, rejected, done = [schema.empty_table()], [], 0
    recipe = _recipe(definition, layout, max_pixels)
    with Workers(worker_count(workers), recipe, timeout) as pool:
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
    inputs : int
        Everything that was found: hashed + kept + rejected + skipped.
    hashed : int
        New or changed, with a hash now.
    kept : int
        Unchanged since they were hashed.
    rejected, skipped : int
        Without a hash: images that can't be read, and files that are none.
    changed, gone, missing : int
        Of the rows that the store had: hashed (or rejected) again; dropped, for their files are
        gone; kept although they are gone.
    """

    inputs: int = 0
    hashed: int = 0
    kept: int = 0
    rejected: int = 0
    skipped: int = 0
    changed: int = 0
    gone: int = 0
    missing: int = 0

    def check(self, split: str) -> None:
        """Raise FastphashError if an input is unaccounted for."""
        found = self.hashed + self.kept + self.rejected + self.skipped
        if found != self.inputs:
            raise FastphashError(
                f"of {self.inputs:,} inputs of split {split!r} {found:,} are accounted for: "
                "this is a fault of fastphash, please report it"
            )


def hash_into(
    path: Path,
    sources: list[Source],
    *,
    definition: Definition | None = None,
    layout: Layout | None = None,
    workers: int | None = None,
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
    keep_missing: bool = False,
    progress: Progress = no_progress,
    avoid: Path | None = None,
    before_writing: Callable[[], None] = lambda: None,
) -> dict[str, Tally]:
    """Bring a store up to date with its sources: hash what is new or changed, drop what is gone.

    Splits of the store that are not among the sources stay as they are. A run that was killed goes
    on where it was, and a damaged part is made anew.

    Parameters
    ----------
    path : Path
        The store; made if it isn't there.
    sources : list of Source
    definition, layout
        How to hash and what to keep; must be the store's if there is one.
    workers : int, optional
        Processes; one for each core by default.
    timeout : float
        Seconds for one image; one that takes longer twice is rejected, as one that crashes.
    max_pixels : int
        Larger images are rejected by their headers.
    keep_missing : bool
        Keep the rows of files that are gone (but not of another folder than the split's own).
    progress : callable, optional
        Called as ``progress(stage, done, total)``.
    avoid : Path, optional
        A folder not to look into, where it lies in a source; the store itself by default.
    before_writing : callable, optional
        Called before the first change of a store, if there is any.

    Returns
    -------
    dict of str to Tally
        By split.

    Raises
    ------
    UsageError
        Splits that can't stand side by side, no time, or something else in the folder.
    StoreError
        The folder can't be written, or another process writes it; its manifest is damaged, or a
        part that may not be made again; or all files of a split are gone.
    DefinitionError
        The store was made in another way.
    """
    check_sources(sources)
    definition, layout = definition or Definition(), layout or Layout()
    recipe = _recipe(definition, layout, max_pixels)
    count = worker_count(workers)
    check_timeout(timeout)
    if not is_store(path):
        check_new(path)
    with locked(path):
        splits = [source.split for source in sources]
        store = _open_or_create(path, definition, layout, splits)
        store.remove_orphans()
        update = _Update(store, sources, keep_missing, progress, avoid or path, before_writing)
        return update.run(lambda: Workers(count, recipe, timeout))


def _recipe(definition: Definition, layout: Layout, max_pixels: int) -> Recipe:
    return Recipe(definition.decoding(), definition.pass_order, layout.orientations, max_pixels)


def _open_or_create(path: Path, definition: Definition, layout: Layout, splits: list[str]) -> Store:
    if not is_store(path):
        return create_store(path, definition, layout, splits)
    store = open_store(path)
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

    def __init__(self, store: Store, whole: list[Part]) -> None:
        names = ["split", "path", "path_bytes", "size", "mtime_ns"]
        parts = [store.read_part(part, names) for part in whole]
        self.ends = np.cumsum([table.num_rows for table in parts], dtype=np.int64)
        table = pa.concat_tables([store.schema.empty_table().select(names), *parts])
        self.splits = np.array(table["split"].to_pylist(), object)
        self.size = table["size"].to_numpy()
        self.mtime = table["mtime_ns"].to_numpy()
        self.paths = exact_paths(table)
        keys = b"".join(map(_key, self.splits, self.paths.to_pylist()))
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
        keep_missing: bool,
        progress: Progress,
        avoid: Path,
        before_writing: Callable[[], None],
    ) -> None:
        self.store = store
        self.sources = sources
        self.keep_missing = keep_missing
        self.progress = progress
        self.avoid = avoid
        self.before_writing = before_writing
        self.writing = False
        damage = store.damage()
        self._check_lost(damage)
        also = ", without the files that are gone" if keep_missing else ""
        for name, how in damage.items():
            _log.warning("%s of %s is %s: making it anew%s", name, store.path, how, also)
        self.damaged = bool(damage)
        self.lost = [part for part in store.parts if part.name in damage]
        self.whole = [part for part in store.parts if part not in self.lost]
        self.stored = _Stored(store, self.whole)
        self.before = REJECTED_SCHEMA.empty_table() if REJECTED in damage else store.rejected()
        self.marks = np.full(self.stored.size.size, _GONE, np.uint8)
        self.tally = {source.split: Tally() for source in sources}
        self.rejected: dict[str, list[Rejection]] = {source.split: [] for source in sources}
        self.done = 0
        self.total = 0

    def _check_lost(self, damage: dict[str, str]) -> None:
        """Raise StoreError if what is lost is of splits that nobody hashes now."""
        splits = {source.split for source in self.sources}
        for part in self.store.parts:
            others = sorted(set(part.splits) - splits)
            if part.name in damage and others:
                raise StoreError(
                    f"{self.store.path}: {part.name} is {damage[part.name]}, and holds images of "
                    f"{', '.join(map(repr, others))}: hash all its splits in one run to make it "
                    "anew, or delete the store"
                )

    def run(self, workers: Callable[[], Workers]) -> dict[str, Tally]:
        """Do it all; `workers` are started if there is anything to hash."""
        before = dict(self.store.roots)
        self.move()
        fresh = self.look()
        if fresh or (self.marks != _KEPT).any():
            self.progress("starting workers", 0, 0)
            with workers() as pool:
                self.rewrite_parts(pool)
                self.add_parts(pool)
        self.finish(changed=self.damaged or before != self.store.roots)
        return self.tally

    def begin_writing(self) -> None:
        """Have the manifest say that these splits are unfinished, before anything else changes."""
        if not self.writing:
            self.before_writing()
            self.store.unfinished = sorted({*self.store.unfinished, *self.tally})
            self.store.save()
            self.writing = True

    def move(self) -> None:
        """Note which rows are of another folder than their split's."""
        roots = {source.split: os.fsdecode(source.root) for source in self.sources}
        for split, root in roots.items():
            if self.store.roots.get(split, root) != root:
                for part in self.store.parts:
                    if split in part.splits:
                        part.moved = sorted({*part.moved, split})
        self.store.roots |= roots

    def look(self) -> int:
        """Walk once: count, and mark the rows that still hold. Returns the number of new inputs."""
        self.marks[~np.isin(self.stored.splits, list(self.tally))] = _KEPT
        total = seen = 0
        for source in self.sources:
            tally = self.tally[source.split]
            fresh = 0
            unseen: list[bytes] = []
            for entry in source.entries(self.avoid):
                seen += 1
                if seen % 1000 == 0:
                    self.progress("looking for files", seen, 0)
                row = self._find(source, entry)
                if entry.problem:
                    unseen.append(b"" if entry.path == b"." else entry.path + b"/")
                if row < 0:
                    fresh += 1
                else:
                    self._mark(source, entry, row)
            self._mark_gone(source, unseen)
            if tally.gone and not (fresh or tally.kept or tally.changed or tally.missing):
                raise StoreError(
                    f"all {tally.gone:,} files of split {source.split!r} are gone from "
                    f"{os.fsdecode(source.root)}: if that is meant, delete the store or name "
                    "--keep-missing"
                )
            total += fresh
        self.progress("looking for files", seen, seen)
        self.total = total + int((self.marks == _CHANGED).sum())
        return total

    def _mark(self, source: Source, entry: Entry, row: int) -> None:
        tally = self.tally[source.split]
        try:
            status = os.stat(os.path.join(source.root, entry.path))
        except OSError as error:
            if self.keep_missing and isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self.marks[row] = _KEPT
                tally.missing += 1
                return
            now = None
        else:
            now = (status.st_size, status.st_mtime_ns)
        # of another folder, equal names, sizes and times prove nothing
        if now == (self.stored.size[row], self.stored.mtime[row]) and not self._moved(row):
            self.marks[row] = _KEPT
            tally.inputs += 1
            tally.kept += 1
        else:
            self.marks[row] = _CHANGED
            tally.changed += 1

    def _mark_gone(self, source: Source, unseen: list[bytes]) -> None:
        """What was not met is gone, or in a folder that can't be listed."""
        tally = self.tally[source.split]
        rows = np.flatnonzero((self.stored.splits == source.split) & (self.marks == _GONE))
        paths = self.stored.paths.take(pa.array(rows)).to_pylist()
        for row, path in zip(rows.tolist(), paths, strict=True):
            kept = self.keep_missing or any(path.startswith(folder) for folder in unseen)
            if kept and not self._moved(row):
                self.marks[row] = _KEPT
                tally.missing += 1
            else:
                tally.gone += 1

    def _moved(self, row: int) -> bool:
        part = int(np.searchsorted(self.stored.ends, row, side="right"))
        return self.stored.splits[row] in self.whole[part].moved

    def rewrite_parts(self, pool: Workers) -> None:
        """Make those parts again in which files have changed or are gone."""
        start = 0
        for part, end in zip(self.whole, self.stored.ends, strict=True):
            marks = self.marks[start:end]
            if (marks != _KEPT).any():
                self._rewrite(part, marks, pool)
            start = end

    def add_parts(self, pool: Workers) -> None:
        """Hash what the store doesn't have, in canonical order: into lost parts, then new ones."""
        pending: list[pa.Table] = []
        rows = 0
        for source in self.sources:
            for batch in self._hash(source, self._fresh(source), pool):
                pending.append(batch)
                rows += batch.num_rows
                while rows >= (size := self.lost[0].rows if self.lost else PART_ROWS):
                    table = pa.concat_tables(pending)
                    self._add_part(table.slice(0, size))
                    pending = [table.slice(size)]
                    rows -= size
        if rows:
            self._add_part(pa.concat_tables(pending))

    def _add_part(self, table: pa.Table) -> None:
        self.begin_writing()
        if self.lost:
            lost = self.lost.pop(0)
            # until the manifest is saved, what it says of the part is not true, as before
            made = self.store.write_part(table, lost.name)
            self.store.parts[self.store.parts.index(lost)] = made
        else:
            self.store.parts.append(self.store.write_part(table, self.store.new_part_name()))
        self.store.save()

    def finish(self, *, changed: bool) -> None:
        """Check the accounts; write the rejected and the manifest, if anything has changed."""
        for split, tally in self.tally.items():
            tally.check(split)
        others = self.before.filter(
            pa.array([s not in self.tally for s in self.before["split"].to_pylist()], pa.bool_())
        )
        # however many runs it took to find them
        ordered = {
            split: sorted(several, key=lambda one: one.path.split(b"/"))
            for split, several in self.rejected.items()
        }
        rejected = tables.plain(pa.concat_tables([others, _rejected_table(ordered)]))
        skipped = self.store.skipped | {split: tally.skipped for split, tally in self.tally.items()}
        same = self.before.equals(rejected) and skipped == self.store.skipped
        if same and not (changed or self.writing or set(self.store.unfinished) & set(self.tally)):
            return
        self.begin_writing()
        # those parts whose images are gone as well
        self.store.parts = [part for part in self.store.parts if part not in self.lost]
        for part in self.store.parts:
            part.moved = [split for split in part.moved if split not in self.tally]
        self.store.write_rejected(rejected)
        self.store.skipped = skipped
        self.store.unfinished = [s for s in self.store.unfinished if s not in self.tally]
        self.store.save()
        self.store.remove_orphans()

    def _find(self, source: Source, entry: Entry) -> int:
        if entry.special or entry.problem or not self.marks.size:
            return -1
        return self.stored.find(source.split, entry.path)

    def _fresh(self, source: Source) -> Iterator[bytes]:
        tally, rejected = self.tally[source.split], self.rejected[source.split]
        for entry in source.entries(self.avoid):
            if self._find(source, entry) >= 0:
                continue
            tally.inputs += 1
            if entry.special:
                tally.skipped += 1
            elif entry.problem:
                tally.rejected += 1
                rejected.append(Rejection(entry.path, "list", entry.problem))
            else:
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
            self.tally[source.split].inputs += len(row_of)
            for made in self._hash(source, row_of, pool):
                for path in exact_paths(made).to_pylist():
                    place[row_of[path]] = end
                    end += 1
                pieces.append(made)
        order = pa.array([place[row] for row in sorted(place)], pa.int64())
        table = pa.concat_tables(pieces).take(order)
        at = self.store.parts.index(part)
        self.begin_writing()
        made = []
        if table.num_rows:
            made = [self.store.write_part(table, self.store.new_part_name())]
            made[0].moved = [split for split in part.moved if split not in self.tally]
        self.store.parts[at : at + 1] = made
        # a run killed before this has the old part still, after it the new one: both are whole
        self.store.save()
        self.store.part_path(part).unlink()


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
        "multiframe": pa.array(batch.multiframe, pa.bool_()),
    }
    for t in range(batch.hashes.shape[1]):
        columns[HASH_COLUMNS[t]] = pa.array(np.ascontiguousarray(batch.hashes[:, t]))
    if "thumbnail" in schema.names:
        pixels = pa.py_buffer(np.ascontiguousarray(batch.thumbnails))
        kind = pa.binary(SIDE * SIDE)
        columns["thumbnail"] = pa.FixedSizeBinaryArray.from_buffers(kind, rows, [None, pixels])
        columns["chroma"] = pa.array(batch.chroma, pa.binary(CHROMA_BYTES))
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
