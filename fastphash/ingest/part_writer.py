"""Parts and manifest of a store, written in an order that survives a kill at any moment."""

from collections.abc import Callable, Collection, Iterable, Iterator

import pyarrow as pa

from fastphash.store.leftovers import remove_leftovers
from fastphash.store.store import PART_ROWS, Part, Store


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
        self._staged: list[Part] = []
        self._is_staging = False
        self.has_begun = False

    @property
    def next_rows(self) -> int:
        """Rows that the next part takes when it is full."""
        return self._lost[0].rows if self._lost else PART_ROWS

    def stage(self, tables: Iterable[pa.Table]) -> None:
        """Write rows as parts that aren't listed before `list_staged`: all else stays as it is.

        Before a part is written, the manifest says that its file is to be deleted, so that the next
        run does so if this one is killed.
        """
        self._is_staging = True
        for table in in_parts(tables, lambda: PART_ROWS):
            name = self._store.new_part_name()
            self._store.removed.append(name)
            self._store.save()
            self._staged.append(self._store.write_part(table, name))

    def list_staged(self) -> None:
        """List the staged parts, before anything else changes; the rows they replace are there."""
        if self._staged:
            self._store.parts += self._staged
            self._store.removed = []
            self._begin()
        self._is_staging = False

    def discard(self) -> None:
        """Delete parts that were staged, if the run ends before they are listed."""
        if self._is_staging and self._store.removed:
            self._store.delete_removed()
            self._store.save()

    def append(self, table: pa.Table) -> None:
        """Write rows as the next part: under the name of a lost one, or a new name."""
        self._begin()
        if self._lost:
            lost = self._lost.pop(0)
            # until the manifest is saved, the part differs from what it says, as before
            part = self._store.write_part(table, lost.name)
            self._store.parts[self._store.parts.index(lost)] = part
        else:
            self._store.parts.append(self._store.write_part(table, self._store.new_part_name()))
        self._store.save()

    def replace(self, part: Part, table: pa.Table) -> None:
        """Write rows in place of a part's; without rows, remove the part."""
        self._begin()
        replacement = []
        if table.num_rows:
            replacement = [self._store.write_part(table, self._store.new_part_name())]
            replacement[0].moved = self._not_hashed(part.moved)
        self._store.drop([part], replacement)

    def finish(self, rejected: pa.Table, skipped: dict[str, int]) -> None:
        """Write the rejected inputs, and a manifest in which the splits are finished."""
        self._begin()
        if self._lost:
            # the images of these are gone too
            self._store.drop(self._lost)
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
