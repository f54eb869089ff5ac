"""Which groups pass a filter, and in which order."""

import functools
import threading
from collections import OrderedDict
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.base.threads import run_all
from fastphash.base.vocabulary import KINDS
from fastphash.files import parquet
from fastphash.inspector.columns import GroupColumns
from fastphash.inspector.page_state import Filter, Order

_REMEMBERED = 4
# in place of an unknown score: sorts after all others
_NO_SCORE = 2.0
# paths that a thread searches at once
_SEARCHED = 1 << 17
# up to this share of all paths, 1 of 4, taking them out first is faster
_FEW = 4


class Selection:
    """Groups by filter; remembers its last answers.

    Parameters
    ----------
    columns : GroupColumns
    """

    def __init__(self, columns: GroupColumns) -> None:
        self._columns = columns
        self._remembered: OrderedDict[Filter, NDArray[np.int32]] = OrderedDict()
        self._lock = threading.Lock()
        # computed now, so that the first page that needs them doesn't wait
        _ = columns.across, self._by_size, self._by_distance, self._by_score

    def select(self, wanted: Filter) -> NDArray[np.int32]:
        """Numbers of the groups that pass a filter, in its order; int32.

        What the filter says of decisions and labels is ignored.
        """
        key = wanted.without_decisions()
        with self._lock:
            groups = self._remembered.get(key)
            if groups is None:
                groups = self._remembered[key] = self._select(key)
                if len(self._remembered) > _REMEMBERED:
                    self._remembered.popitem(last=False)
            self._remembered.move_to_end(key)
        return groups

    def _select(self, wanted: Filter) -> NDArray[np.int32]:
        columns = self._columns
        passing = np.ones(len(columns), np.bool_)
        copies = self._passing_copies(wanted)
        if copies is not None:
            passing &= columns.reduce(np.logical_or, copies)
        if wanted.split:
            code = columns.splits.index(wanted.split)
            passing &= columns.reduce(np.logical_or, columns.split == code)
        if wanted.leaks:
            passing &= columns.across
        if wanted.name:
            passing &= columns.reduce(np.logical_or, self._named(wanted.name, passing))
            parquet.release_memory()
        order = self._order(wanted.order)
        return order[passing[order]]

    def _passing_copies(self, wanted: Filter) -> NDArray[np.bool_] | None:
        """Copies of the wanted kind and distance; None if any will do."""
        if not wanted.kind and wanted.least is None and wanted.most is None:
            return None
        columns = self._columns
        copies = columns.is_copy.copy()
        if wanted.kind:
            copies &= columns.kind == KINDS.index(wanted.kind)
        if wanted.least is not None:
            copies &= columns.distance >= wanted.least
        if wanted.most is not None:
            copies &= columns.distance <= wanted.most
        return copies

    def _named(self, text: str, groups: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Rows of the given groups whose path contains a text, ignoring case."""
        paths = self._columns.paths
        named = np.zeros(self._columns.rows, np.bool_)
        in_groups = np.repeat(groups, self._columns.sizes)
        if np.count_nonzero(in_groups) * _FEW < named.size:
            rows = np.flatnonzero(in_groups)
            taken = paths.take(pa.array(rows))
            named[rows] = pc.match_substring(taken, text, ignore_case=True).to_numpy()
            return named

        def search(start: int) -> None:
            batch = paths.slice(start, _SEARCHED)
            matches = pc.match_substring(batch, text, ignore_case=True)
            named[start : start + _SEARCHED] = matches.to_numpy()

        starts = range(0, named.size, _SEARCHED)
        run_all(core_count(), (functools.partial(search, start) for start in starts))
        return named

    def _order(self, order: Order) -> NDArray[np.int32]:
        if order == "size":
            return self._by_size
        if order == "distance":
            return self._by_distance
        if order == "score":
            return self._by_score
        return np.arange(len(self._columns), dtype=np.int32)

    @cached_property
    def _by_size(self) -> NDArray[np.int32]:
        return np.argsort(-self._columns.sizes, kind="stable").astype(np.int32)

    @cached_property
    def _by_distance(self) -> NDArray[np.int32]:
        furthest = self._columns.furthest.astype(np.int16)
        return np.argsort(-furthest, kind="stable").astype(np.int32)

    @cached_property
    def _by_score(self) -> NDArray[np.int32]:
        scores = np.nan_to_num(self._columns.score, nan=_NO_SCORE)
        least = self._columns.reduce(np.minimum, scores)
        return np.argsort(least, kind="stable").astype(np.int32)
