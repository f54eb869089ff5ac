"""Parts and manifest of a store, written in an order that survives a kill at any moment."""

from collections.abc import Callable, Collection

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
        self.has_begun = False

    @property
    def next_rows(self) -> int:
        """Rows that the next part takes when it is full."""
        return self._lost[0].rows if self._lost else PART_ROWS

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
