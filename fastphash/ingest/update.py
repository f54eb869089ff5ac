"""A run that brings a store up to date with its sources."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.errors import StoreError
from fastphash.ingest.accounts import Accounts
from fastphash.ingest.batch import Batch, Rejection
from fastphash.ingest.changes import CHANGED, KEPT, UNSURE, Changes
from fastphash.ingest.container_index import ContainerIndex
from fastphash.ingest.executor import Executor, hash_entries, hash_given
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.part_writer import PartWriter, in_parts
from fastphash.ingest.restamp import restamp
from fastphash.ingest.stored_rows import StoredRows
from fastphash.ingest.tables import batch_table
from fastphash.ingest.tally import Tally
from fastphash.sources.origins import origin_of
from fastphash.sources.protocol import Entry, Item, Source, Stamp
from fastphash.store.schema import REJECTED_SCHEMA, exact_paths
from fastphash.store.store import REJECTED, Store

_log = logging.getLogger(__name__)


class StoreUpdate:
    """One run of `hash_into`: its methods are the steps of `run`."""

    def __init__(
        self,
        store: Store,
        sources: Sequence[Source],
        options: IngestOptions,
        *,
        progress: Progress,
        avoid: Path,
        before_writing: Callable[[], None],
    ) -> None:
        self.store = store
        self.sources = sources
        self.progress = progress
        self.avoid = avoid
        splits = [source.split for source in sources]
        damage = store.damage()
        _check_damage(store, damage, splits)
        keep_missing = options.keep_missing
        remark = ", without the files that are gone" if keep_missing else ""
        for name, how in damage.items():
            _log.warning("%s of %s is %s: making it anew%s", name, store.path, how, remark)
        self.is_damaged = bool(damage)
        self.is_old = store.is_old
        whole = [part for part in store.parts if part.name not in damage]
        lost = [part for part in store.parts if part.name in damage]
        self.rejected_before = (
            REJECTED_SCHEMA.empty_table() if REJECTED in damage else store.rejected()
        )
        self.stored = StoredRows(store, whole)
        if outdated := self.stored.outdated_splits & set(splits):
            _log.warning(
                "an earlier version hashed images of %s, and didn't store what tells flat pictures "
                "and animations apart: hashing them again",
                ", ".join(map(repr, sorted(outdated))),
            )
        self.rehash = options.rehash
        self.changes = Changes(
            self.stored, splits, keep_missing=keep_missing, rehash=options.rehash
        )
        self.containers: dict[str, ContainerIndex] = {}
        self.accounts = Accounts(splits)
        self.writer = PartWriter(store, splits, lost, before_writing)
        self.listed = 0
        self.to_hash = 0
        self.done = 0

    def run(self, start_executor: Callable[[], Executor]) -> dict[str, Tally]:
        """Do it all; the executor is started if there is anything to hash or to drop."""
        given = {source.split: source.given for source in self.sources if source.given is not None}
        with contextlib.ExitStack() as stack:
            stack.callback(self.writer.discard)

            @cache
            def started() -> Executor:
                self.progress("starting workers", 0, 0)
                return stack.enter_context(start_executor())

            if given:  # before anything in the store changes: they may end in an error
                self.stage_given(given, started())
            has_moved = self.note_roots()
            self.containers = self._index_containers(started)
            new = self.compare()
            marks = self.changes.marks
            self.to_hash = self.done + new + int(np.isin(marks, (CHANGED, UNSURE)).sum())
            if new or given or (marks != KEPT).any():
                self.writer.list_staged()
                self.rewrite_parts(started())
                self.add_parts(started())
        has_moved |= self.note_origins()
        self.finish(changed=self.is_damaged or self.is_old or has_moved)
        return self.accounts.tallies

    def _index_containers(self, start: Callable[[], Executor]) -> dict[str, ContainerIndex]:
        """An index for each split of containers."""
        indexes = {}
        for source in self.sources:
            if (containers := source.containers_to_list) is not None:
                split = source.split
                moved = any(split in part.moved for part in self.store.parts)
                trust = not (self.rehash or moved or split in self.stored.outdated_splits)
                before = origin_of(self.store.origins.get(split))
                indexes[split] = ContainerIndex(containers, before, self.stored, start, trust=trust)
        return indexes

    def note_roots(self) -> bool:
        """Note the roots, and parts with rows below another one; no split is left out any more.

        Returns whether a root is new, or a split was left out before.
        """
        before, left_out_before = dict(self.store.roots), self.store.left_out
        roots = {source.split: os.fsdecode(source.root) for source in self.sources}
        for source in self.sources:
            split, root = source.split, roots[source.split]
            if before.get(split, root) != root or not self._is_same_column(source):
                for part in self.store.parts:
                    if split in part.splits:
                        part.moved = sorted({*part.moved, split})
        self.store.roots |= roots
        self.store.left_out = [split for split in left_out_before if split not in roots]
        return before != self.store.roots or left_out_before != self.store.left_out

    def _is_same_column(self, source: Source) -> bool:
        """Whether the images of a split are those of the column that they were of."""
        before, now = origin_of(self.store.origins.get(source.split)), source.containers_to_list
        if before is None or now is None:
            return True
        return before.image_column == now.image_column

    def note_origins(self) -> bool:
        """Note which containers were hashed as a whole. Returns whether that is new."""
        before = dict(self.store.origins)
        for source in self.sources:
            self.store.origins.pop(source.split, None)
        self.store.origins |= {
            split: index.origin().to_json() for split, index in self.containers.items()
        }
        return before != self.store.origins

    def compare(self) -> int:
        """Compare all sources with the stored rows. Returns the number of new inputs."""
        new = 0
        for source in self.sources:
            if source.given is not None:
                continue  # its inputs come once, and replace what the store has
            entries = self._count_listed(self._entries(source))
            tally = self.accounts.tallies[source.split]
            index = self.containers.get(source.split)
            if index is None:
                new += self.changes.compare(source, entries, tally)
            else:
                self._keep_unchanged(source.split, index)
                new += self.changes.compare(source, entries, tally, index.is_doubted)
        self.progress("looking for files", self.listed, self.listed)
        unsure = {*self.stored.splits[self.changes.marks == UNSURE].tolist()}
        if stampless := self.stored.stampless_splits & unsure:
            _log.warning(
                "an earlier version hashed images of %s, and didn't store inodes: reading them "
                "once, to see whether they have changed",
                ", ".join(map(repr, sorted(stampless))),
            )
        return new

    def _keep_unchanged(self, split: str, index: ContainerIndex) -> None:
        """Keep and count what is in unchanged containers."""
        tally = self.accounts.tallies[split]
        self.changes.keep(index.kept_rows, tally)
        skipped = index.count_kept("skipped")
        tally.inputs += skipped
        tally.skipped += skipped
        tally.hidden += index.count_kept("hidden")
        tally.excluded += index.count_kept("excluded")

    def _entries(self, source: Source) -> Iterator[Entry]:
        """Every input of a source, but for those in unchanged containers."""
        index = self.containers.get(source.split)
        return source.entries(self.avoid) if index is None else index.entries()

    def stage_given(self, given: Mapping[str, Iterable[Item]], executor: Executor) -> None:
        """Hash items, which come once, and write parts that the store doesn't list yet."""
        self.writer.stage(
            self._table(split, batch)
            for split, items in given.items()
            for batch in self._hash_given(split, items, executor)
        )

    def _hash_given(self, split: str, items: Iterable[Item], executor: Executor) -> Iterator[Batch]:
        for batch in self._count_hashed(split, hash_given(executor, items)):
            self.accounts.tallies[split].inputs += batch.inputs
            yield batch

    def rewrite_parts(self, executor: Executor) -> None:
        """Replace the parts in which inputs have changed or are gone."""
        for part, marks in self.stored.by_part(self.changes.marks):
            if (marks != KEPT).any():
                before = self.store.read_part(part)
                after = self._rewrite(before, marks, executor)
                if not after.equals(before):
                    self.writer.replace(part, after)

    def add_parts(self, executor: Executor) -> None:
        """Hash new inputs, in canonical order, and write them in full parts and a last one."""
        tables = (
            self._table(source.split, batch)
            for source in self.sources
            if source.given is None
            for batch in self._hash(source, self._new_entries(source), executor)
        )
        for rows in in_parts(tables, lambda: self.writer.next_rows):
            self.writer.append(rows)

    def finish(self, *, changed: bool) -> None:
        """Check the accounts; complete the store, if anything in it has changed."""
        self.accounts.check()
        rejected = self.accounts.rejected(self.rejected_before)
        skipped = self.accounts.skipped(self.store.skipped)
        interrupted = set(self.store.unfinished) & set(self.accounts.tallies)
        same = self.rejected_before.equals(rejected) and skipped == self.store.skipped
        if changed or self.writer.has_begun or interrupted or not same:
            self.writer.finish(rejected, skipped)

    def _count_listed(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self.listed += 1
            if self.listed % 1000 == 0:
                self.progress("looking for files", self.listed, 0)
            yield entry

    def _new_entries(self, source: Source) -> Iterator[Entry]:
        """Inputs that the store doesn't have; those that can't be hashed are counted only."""
        tally = self.accounts.tallies[source.split]
        for entry in self._entries(source):
            if entry.hidden or self.changes.find(source.split, entry) >= 0:
                continue
            tally.inputs += 1
            if entry.special:
                tally.skipped += 1
            elif entry.problem:
                self.accounts.reject(source.split, Rejection(entry.path, "list", entry.problem))
            else:
                yield entry

    def _hash(
        self,
        source: Source,
        entries: Iterable[Entry],
        executor: Executor,
        known: Mapping[bytes, bytes] | None = None,
    ) -> Iterator[Batch]:
        """Batches in the order of `entries`; inputs with a `known` digest still are unchanged."""
        index = self.containers.get(source.split)
        batches = hash_entries(executor, source.reader, entries, known)
        for batch in self._count_hashed(source.split, batches):
            if index is not None:
                index.count_batch(batch)
            else:
                self.accounts.count_containers(source.split, source.root, batch.skipped)
            yield batch

    def _count_hashed(self, split: str, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.accounts.count_batch(split, batch)
            self.done += batch.inputs
            self.progress("hashing", self.done, max(self.to_hash, self.done))
            yield batch

    def _table(self, split: str, batch: Batch) -> pa.Table:
        """Rows of those inputs that have a hash."""
        return batch_table(split, batch, self.store.definition, self.store.layout)

    def _rewrite(self, table: pa.Table, marks: NDArray[np.uint8], executor: Executor) -> pa.Table:
        """Rows of a part in their order: kept ones, and changed ones as they are now."""
        splits = table["split"].to_pylist()
        paths = exact_paths(table).to_pylist()
        pieces: list[pa.Table] = []
        stamps: dict[int, Stamp] = {}
        keys: dict[int, bytes] = {}
        # where each row that stays is in the table and the `pieces` behind it
        place = {row: row for row in np.flatnonzero(marks == KEPT).tolist()}
        end = table.num_rows
        unsure = _digests(table, marks == UNSURE)
        again = sorted([*unsure, *np.flatnonzero(marks == CHANGED).tolist()])
        for source in self.sources:
            row_of = {paths[row]: row for row in again if splits[row] == source.split}
            known = {path: unsure[row] for path, row in row_of.items() if row in unsure}
            tally = self.accounts.tallies[source.split]
            tally.inputs += len(row_of)
            tally.changed += len(known)
            index = self.containers.get(source.split)
            entries = index.locate(row_of) if index else map(Entry, row_of)
            for batch in self._hash(source, entries, executor, known):
                for path in batch.paths:
                    place[row_of[path]] = end
                    end += 1
                pieces.append(self._table(source.split, batch))
                stamps |= {row_of[path]: stamp for path, stamp in batch.unchanged.items()}
                keys |= {row_of[path]: batch.keys.get(path, b"") for path in batch.unchanged}
                tally.changed -= len(batch.unchanged)
        place |= {row: row for row in stamps}
        order = pa.array([place[row] for row in sorted(place)], pa.int64())
        return pa.concat_tables([restamp(table, stamps, keys), *pieces]).take(order)


def _digests(table: pa.Table, chosen: NDArray[np.bool_]) -> dict[int, bytes]:
    """The digests of some rows, by row; empty where there is none."""
    rows = np.flatnonzero(chosen)
    digests = table["digest"].take(pa.array(rows)).to_pylist()
    return {row: digest or b"" for row, digest in zip(rows.tolist(), digests, strict=True)}


def _check_damage(store: Store, damage: dict[str, str], splits: list[str]) -> None:
    """Raise StoreError if a damaged part holds splits that this run doesn't hash."""
    for part in store.parts:
        others = sorted(set(part.splits) - set(splits))
        if part.name in damage and others:
            raise StoreError(
                f"{store.path}: {part.name} is {damage[part.name]}, and holds images of "
                f"{', '.join(map(repr, others))}: hash all its splits in one run to make it "
                "anew, or delete the store"
            )
