"""Every pair of rows within a radius, found by Spark: `join_stages` one after the other."""

import math
import pickle
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial, reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.cluster import join_stages as stages
from fastphash.cluster.driver_join import FoundPairs, ValueRows, find_matches_here
from fastphash.cluster.searches import cut_pieces, uses_of
from fastphash.cluster.session import (
    Frame,
    Session,
    aggregated,
    expecting_many_rows,
    frame_of,
    map_batches,
    table_of,
)
from fastphash.cluster.shares import share_table
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.external.plans import Sides, choose_search_plan, sources_of
from fastphash.external.searches import Search, searches_of
from fastphash.external.streams import HashStream
from fastphash.joins.index import check_radius
from fastphash.joins.matches import Matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.oriented import MAX_REPEATS
from fastphash.joins.pieces import PiecePlan

# found values that are sent to all tasks, which look for their rows; of more, all rows are sent
_MOST_WANTED = 1 << 22
# rows of such values, and pairs of rows, that the driver takes
_MOST_ROWS = 1 << 22
_MOST_HERE = 1 << 22
_NO_LIMIT = 1 << 62
_MATCHES_AT_ONCE = 1 << 18


class _Searched(NamedTuple):
    """What a search has found: pairs of values, and their rows as `VALUE_ROWS` by side.

    `here` has them too, if they are few.
    """

    search: Search
    pairs: Frame
    left: Frame
    right: Frame
    here: FoundPairs | None


class SparkJoin:
    """The join of two sides, or of one with itself.

    Parameters
    ----------
    session : SparkSession
    left : HashStream
        Stores and files must have the same paths on all machines.
    right : HashStream or None
        None for pairs left < right within `left`.
    radius : int
    max_pairs : int, optional
    progress : Progress
        Called as ``progress("joining", step, steps)``.

    Raises
    ------
    UsageError
        The radius is out of range, or hashes have more than 64 bits.
    """

    def __init__(
        self,
        session: Session,
        left: HashStream,
        right: HashStream | None,
        radius: int,
        *,
        max_pairs: int | None = None,
        progress: Progress = no_progress,
    ) -> None:
        bits = left.definition.bits
        if bits > 64:
            raise UsageError(
                f"Spark joins hashes of 64 bits, and those of {left.definition.algorithm} have "
                f"{bits}: join them on one machine"
            )
        check_radius(radius, bits)
        self._session = session
        self._sides = Sides(left, right)
        self._streams = [left] if right is None else [left, right]
        self._searches = searches_of(left.known, None if right is None else right.known)
        self._uses = [uses_of(search, len(self._streams)) for search in self._searches]
        self._radius = radius
        self._max_pairs = _NO_LIMIT if max_pairs is None else max_pairs
        self._progress = progress
        self._step = 0
        self._kept = ExitStack()

    def matches(self) -> Iterator[Matches]:
        """The pairs in order, some at a time.

        Raises
        ------
        TooManyPairsError
            More than `max_pairs`, before the first ones come.
        """
        if not all(map(len, self._streams)):
            return
        with self._kept:
            searched = self._search()
            self._advance()
            few = _few(searched)
            if few is not None:
                self._check_expanded(sum(one.row_pairs for one in few))
            if few is None or sum(one.expanded for one in few) > _MOST_HERE:
                with expecting_many_rows(self._session):
                    yield from self._matches_there(searched)
                return
            found = find_matches_here(
                few, self._known, len(self._sides.haystack), within=self._within
            )
            if found.left.size > self._max_pairs:
                raise TooManyPairsError(found.left.size, self._max_pairs)
            for start in range(0, found.left.size, _MATCHES_AT_ONCE):
                yield found.take(slice(start, start + _MATCHES_AT_ONCE))

    def partnered(self) -> NDArray[np.int64]:
        """The rows that are in a pair with another row, ascending: int64 (n,).

        However many pairs there are, they are not made one by one.
        """
        rows = [np.empty(0, np.int64)]
        if len(self._sides.left):
            with self._kept:
                for one in self._search():
                    if one.here is not None:
                        rows.append(one.here.partnered())
                        continue
                    with expecting_many_rows(self._session):
                        rows += self._partnered_there(one)
        return np.unique(np.concatenate(rows))

    def _partnered_there(self, searched: _Searched) -> Iterator[NDArray[np.int64]]:
        """The same of one search, by Spark."""
        left, right = _named(searched.left, "left"), _named(searched.right, "right")
        pairs = _distinct(searched)
        for frame in (
            _rows_with_others(pairs, left, "left", right, "right"),
            _rows_with_others(pairs, right, "right", left, "left"),
        ):
            yield from (found for (found,) in _unpacked(frame))

    @property
    def _known(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self._sides.left.known, self._sides.haystack.known

    @property
    def _within(self) -> bool:
        return self._sides.right is None

    def _advance(self) -> None:
        # a plan, each search, and the rows
        self._progress("joining", self._step, len(self._searches) + 2)
        self._step += 1

    def _keep(self, frame: Frame) -> Frame:
        """Have Spark keep what is used several times."""
        kept = frame.persist()
        self._kept.callback(kept.unpersist)
        return kept

    def _search(self) -> list[_Searched]:
        """The pairs of values of each search, and their rows."""
        self._advance()
        shares = frame_of(self._session, share_table(self._streams))
        searched = []
        for number, piece_plan in enumerate(self._piece_plans(shares)):
            self._advance()
            pairs = self._pairs_of_values(shares, number, piece_plan)
            searched.append(self._find_rows(shares, self._searches[number], pairs))
        return searched

    def _piece_plans(self, shares: Frame) -> list[PiecePlan]:
        """The pieces of each search: from a sample, and the digits of all values."""
        options = JoinOptions(threads=1)
        plans = [
            choose_search_plan(sources_of(search, self._sides), self._radius, options)
            for search in self._searches
        ]
        stage = partial(stages.count, uses=self._uses, plans=plans)
        table = table_of(map_batches(shares, stage, stages.COUNTS))
        data: list[tuple[list[bytes], list[bytes]]] = [([], []) for _ in plans]
        for search, side, one in zip(*(column.to_pylist() for column in table), strict=True):
            data[search][side].append(one)
        return [cut_pieces(*one) for one in zip(plans, data, strict=True)]

    def _pairs_of_values(self, shares: Frame, number: int, piece_plan: PiecePlan) -> Frame:
        """Pairs of values of one search: `VALUE_PAIRS`, those of equal ones perhaps repeatedly."""
        stage = partial(stages.explode, uses=self._uses[number], piece_plan=piece_plan)
        exploded = map_batches(shares, stage, stages.EXPLODED)
        # one partition a piece, and one for what is repeated within a share
        pieces = exploded.repartitionById(len(piece_plan.pieces) + 1, "piece")
        searched = partial(stages.search_pieces, piece_plan=piece_plan)
        return self._keep(map_batches(pieces, searched, stages.VALUE_PAIRS))

    def _find_rows(self, shares: Frame, search: Search, pairs: Frame) -> _Searched:
        """The rows of the left and of the right values of pairs."""
        values: NDArray[np.uint64] | None = None
        wanted: list[NDArray[np.uint64]] | list[None] = [None]
        if pairs.count() <= _MOST_WANTED:
            table = table_of(pairs)
            columns = [table[i].to_numpy().view(np.uint64) for i in range(2)]
            values = np.unique(np.stack(columns, axis=1), axis=0)
            # within one side a value may be the left one of some pairs, the right one of others
            parts = columns if search.is_across else [values]
            wanted = [np.unique(part) for part in parts]
        left = self._rows_of(shares, 0, search.left, wanted[0])
        right = left
        if search.is_across:
            right = self._rows_of(shares, len(self._streams) - 1, search.right, wanted[-1])
        here = None
        frames = [left] if right is left else [left, right]
        if values is not None and sum(frame.count() for frame in frames) <= _MOST_ROWS:
            rows = [
                ValueRows.of(table_of(frame), len(known))
                for frame, known in zip(frames, self._known, strict=False)
            ]
            here = FoundPairs(values, rows[0], rows[-1], not search.is_across)
        return _Searched(search, pairs, left, right, here)

    def _rows_of(
        self,
        shares: Frame,
        side: int,
        orientations: tuple[int, ...],
        wanted: NDArray[np.uint64] | None,
    ) -> Frame:
        known = self._streams[side].known
        stage = partial(
            stages.find_rows, side=side, known=known, orientations=orientations, wanted=wanted
        )
        return self._keep(map_batches(shares, stage, stages.VALUE_ROWS))

    def _matches_there(self, searched: Sequence[_Searched]) -> Iterator[Matches]:
        """All matches in order, made and sorted by Spark."""
        stage = partial(stages.relate, known=self._known, within=self._within)
        related, expanded = [], 0
        for one in searched:
            left, right = _named(one.left, "left"), _named(one.right, "right")
            pairs = _distinct(one)
            expanded += _count_expanded(one.search, pairs, left, right)
            self._check_expanded(expanded)
            joined = pairs.join(left, "left_value").join(right, "right_value")
            joined = joined.select("left_row", "right_row", "left_hashes", "right_hashes")
            related.append(map_batches(joined, stage, stages.MATCHES))
        pairs = reduce(lambda one, other: one.union(other), related)
        pairs = pairs.dropDuplicates(["left", "right"])
        if expanded > self._max_pairs:
            pairs = self._keep(pairs)
            if (number := pairs.count()) > self._max_pairs:
                raise TooManyPairsError(number, self._max_pairs)
        packed = map_batches(pairs.orderBy("left", "right"), stages.pack, stages.PACKED)
        for left, right, distance, mask in _unpacked(packed):
            yield Matches(left, right, distance.astype(np.uint8), mask.astype(np.uint8))

    def _check_expanded(self, expanded: int) -> None:
        """Raise TooManyPairsError if so many pairs must be too many, whichever are repeats.

        Pairs of upright hashes come once. Of others, each row may also be paired with itself.
        """
        (first, *others) = self._searches
        if not others and max(len(first.left), len(first.right)) == 1:
            least = expanded
        else:
            least = math.ceil(expanded / MAX_REPEATS) - len(self._sides.left)
        if least > self._max_pairs:
            raise TooManyPairsError(least, self._max_pairs)


def _few(searched: Sequence[_Searched]) -> list[FoundPairs] | None:
    """What all searches have found, if it is all on the driver."""
    here = [one.here for one in searched if one.here is not None]
    return here if len(here) == len(searched) else None


def _distinct(searched: _Searched) -> Frame:
    """The pairs of values of a search, each once."""
    return searched.pairs if searched.search.is_across else searched.pairs.distinct()


def _count_expanded(search: Search, pairs: Frame, left: Frame, right: Frame) -> int:
    """How many pairs of rows pairs of values stand for, before repeats are dropped."""
    lefts = aggregated(left, "left_value", ["count(*) AS lefts"])
    rights = aggregated(right, "right_value", ["count(*) AS rights"])
    counted = pairs.join(lefts, "left_value").join(rights, "right_value")
    number = "double(lefts) * rights"
    if not search.is_across:
        # rows of one value are paired with one another, once
        same = "double(lefts) * (rights - 1) / 2"
        number = f"if(left_value = right_value, {same}, {number})"
    (row,) = counted.selectExpr(f"sum({number}) AS pairs").collect()
    return int(row["pairs"] or 0)


def _unpacked(frame: Frame) -> Iterator[list[NDArray[np.int64]]]:
    """The columns of `PACKED` batches, in order."""
    for packed in frame.toLocalIterator(prefetchPartitions=True):
        yield pickle.loads(packed["data"])  # noqa: S301 - made by our own stage


def _rows_with_others(pairs: Frame, rows: Frame, side: str, others: Frame, other: str) -> Frame:
    """The rows of one side that are in a pair with a row other than themselves, packed."""
    columns = [f"min({other}_row) AS low", f"max({other}_row) AS high"]
    partners = aggregated(others, f"{other}_value", columns)
    partners = pairs.join(partners, f"{other}_value")
    partners = aggregated(partners, f"{side}_value", ["min(low) AS low", "max(high) AS high"])
    found = rows.join(partners, f"{side}_value").where(f"low <> {side}_row OR high <> {side}_row")
    return map_batches(found.select(f"{side}_row"), stages.pack, stages.PACKED)


def _named(rows: Frame, side: str) -> Frame:
    """`VALUE_ROWS` with the names of a side."""
    names = [f"{name} AS {side}_{name}" for name in ("value", "row", "hashes")]
    return rows.selectExpr(*names)
