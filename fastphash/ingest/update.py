"""A store brought up to date with its sources."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.ingest.batch import Rejection, batch_table, rejected_table
from fastphash.ingest.executor import Executor, hash_paths
from fastphash.ingest.tally import Tally
from fastphash.sources.base import Entry, Source
from fastphash.store.schema import REJECTED_SCHEMA, exact_paths
from fastphash.store.store import PART_ROWS, REJECTED, Part, Store

_log = logging.getLogger(__name__)

# marks of the rows that a store has
_GONE, _KEPT, _CHANGED = range(3)


class _StoredRows:
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


class StoreUpdate:
    """One run of `hash_into`."""

    def __init__(
        self,
        store: Store,
        sources: Sequence[Source],
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
        self.stored = _StoredRows(store, self.whole)
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

    def run(self, workers: Callable[[], Executor]) -> dict[str, Tally]:
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
            stamp = source.reader.stamp(entry.path)
        except OSError as error:
            if self.keep_missing and isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self.marks[row] = _KEPT
                tally.missing += 1
                return
            now = None
        else:
            now = (stamp.size, stamp.mtime_ns)
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

    def rewrite_parts(self, pool: Executor) -> None:
        """Make those parts again in which files have changed or are gone."""
        start = 0
        for part, end in zip(self.whole, self.stored.ends, strict=True):
            marks = self.marks[start:end]
            if (marks != _KEPT).any():
                self._rewrite(part, marks, pool)
            start = end

    def add_parts(self, pool: Executor) -> None:
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
        rejected = parquet.plain(pa.concat_tables([others, rejected_table(ordered)]))
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

    def _hash(self, source: Source, paths: Iterable[bytes], pool: Executor) -> Iterator[pa.Table]:
        tally = self.tally[source.split]
        for batch in hash_paths(pool, source.reader, paths):
            tally.hashed += len(batch.paths)
            tally.rejected += len(batch.rejected)
            tally.skipped += len(batch.skipped)
            self.rejected[source.split] += batch.rejected
            self.done += batch.inputs
            self.progress("hashing", self.done, max(self.total, self.done))
            yield batch_table(source.split, batch, self.store.schema)

    def _rewrite(self, part: Part, marks: NDArray[np.uint8], pool: Executor) -> None:
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
