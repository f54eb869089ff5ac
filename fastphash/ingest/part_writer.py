"""Parts and manifest of a store, written in an order that survives a kill at any moment."""

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from fastphash.errors import FastphashError
from fastphash.store.leftovers import remove_leftovers
from fastphash.store.part_files import draft_part, drop_parts, name_part
from fastphash.store.store import PART_ROWS, Part, Store, open_store


class PartWriter:
    """Changes a store: after every step, the store on disk is whole or can be completed.

    Parameters
    ----------
    store : Store
    splits : collection of str
        Splits that are hashed.
    lost : list of Part
        Damaged parts, to be replaced first.
    before_writing : callable
        Called once before the first change.

    Attributes
    ----------
    has_begun : bool
        Whether anything was changed.
    """

    def __init__(
        self,
        store: Store,
        splits: Collection[str],
        lost: list[Part],
        before_writing: Callable[[], None],
    ) -> None:
        self._store = store
        self._splits = splits
        self._lost = lost
        self._before_writing = before_writing
        self._staged: list[tuple[Part, Path]] = []
        self.has_begun = False

    @property
    def next_rows(self) -> int:
        """Rows that the next part takes when it is full."""
        return self._lost[0].rows if self._lost else PART_ROWS

    def stage(self, tables: Iterable[pa.Table]) -> None:
        """Write rows to drafts that `list_staged` makes parts of: the store stays as it is."""
        names = self._store.new_part_names()
        for table in in_parts(tables, lambda: PART_ROWS):
            self._staged.append(draft_part(self._store, table, next(names)))

    def list_staged(self) -> None:
        """List the staged parts, before anything else changes; the rows they replace are there."""
        if self._staged:
            self._store.parts += [part for part, _ in self._staged]
            self._begin()
            while self._staged:
                name_part(self._store, *self._staged.pop(0))

    def discard(self) -> None:
        """Delete drafts that were staged, if the run ends before they are listed."""
        if self.has_begun or not self._staged:
            return
        # the manifest may have its name although the run was interrupted before it noticed that
        try:
            listed = {part.digest for part in open_store(self._store.path).parts}
        except (FastphashError, OSError):
            # what ended the run is to be said; drafts that are no parts are deleted by the next one
            return
        for part, draft in self._staged:
            if part.digest not in listed:
                draft.unlink(missing_ok=True)

    def append(self, table: pa.Table) -> None:
        """Write rows as the next part: under the name of a lost one, or a new name."""
        self._begin()
        if self._lost:
            lost = self._lost.pop(0)
            part, draft = draft_part(self._store, table, lost.name)
            self._store.part_path(lost).unlink(missing_ok=True)
            self._store.parts[self._store.parts.index(lost)] = part
        else:
            part, draft = draft_part(self._store, table, self._store.new_part_name())
            self._store.parts.append(part)
        self._store.save()
        name_part(self._store, part, draft)

    def replace(self, part: Part, table: pa.Table) -> None:
        """Write rows in place of a part's; without rows, remove the part."""
        self._begin()
        replacement = None
        if table.num_rows:
            replacement = draft_part(self._store, table, self._store.new_part_name())
            replacement[0].moved = self._not_hashed(part.moved)
        drop_parts(self._store, [part], replacement)

    def finish(self, rejected: pa.Table, skipped: dict[str, int]) -> None:
        """Write the rejected inputs, and a manifest in which the splits are finished."""
        self._begin()
        if self._lost:
            # the images of these are gone too
            drop_parts(self._store, self._lost)
        for part in self._store.parts:
            part.moved = self._not_hashed(part.moved)
        self._store.write_rejected(rejected)
        self._store.skipped = skipped
        self._store.unfinished = self._not_hashed(self._store.unfinished)
        self._store.save()
        remove_leftovers(self._store)

    def _begin(self) -> None:
        """Have the manifest say that the splits are unfinished, before anything else changes."""
        if not self.has_begun:
            self._before_writing()
            self._store.unfinished = sorted({*self._store.unfinished, *self._splits})
            self._store.save()
            self.has_begun = True

    def _not_hashed(self, splits: list[str]) -> list[str]:
        return [split for split in splits if split not in self._splits]


def in_parts(tables: Iterable[pa.Table], next_rows: Callable[[], int]) -> Iterator[pa.Table]:
    """The rows of all tables, as tables of as many rows as `next_rows` says each time."""
    pending: list[pa.Table] = []
    rows = 0
    for table in tables:
        pending.append(table)
        rows += table.num_rows
        while rows >= (size := next_rows()):
            joined = pa.concat_tables(pending)
            yield joined.slice(0, size)
            pending = [joined.slice(size)]
            rows -= size
    if rows:
        yield pa.concat_tables(pending)
