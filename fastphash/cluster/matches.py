"""Every pair of rows within a radius, found by Spark: `join_stages` one after the other."""

import math
import pickle
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial, reduce

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.cluster import join_stages as stages
from fastphash.cluster.searches import (
    SAMPLE_VALUES,
    Columns,
    Search,
    cut_pieces,
    list_searches,
    plan_search,
)
from fastphash.cluster.session import Frame, Session, aggregated, frame_of, map_batches, table_of
from fastphash.cluster.shares import SHARE_ROWS, share_table
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.joins.index import check_radius
from fastphash.joins.matches import Matches
from fastphash.joins.oriented import MAX_REPEATS
from fastphash.joins.pieces import PiecePlan
from fastphash.joins.search_plan import SearchPlan
from fastphash.store.rows import HashTable

# found values that are sent to all tasks, which look for their rows; of more, all rows are sent
_MOST_WANTED = 1 << 22
_NO_LIMIT = 1 << 62
_STEPS = 6


class SparkJoin:
    """The join of two tables, or of one with itself: its methods are the steps of `matches`.

    Parameters
    ----------
    session : SparkSession
    left : HashTable
    right : HashTable or None
        None for pairs left < right within `left`.
    radius : int
    max_pairs : int, optional
    progress : Progress
        Called as ``progress("joining", step, steps)``.
    share_rows : int
        Rows that one task reads.

    Raises
    ------
    UsageError
        The radius is out of range, or hashes have more than 64 bits.
    """

    def __init__(
        self,
        session: Session,
        left: HashTable,
        right: HashTable | None,
        radius: int,
        *,
        max_pairs: int | None = None,
        progress: Progress = no_progress,
        share_rows: int = SHARE_ROWS,
    ) -> None:
        if left.algorithm.words > 1:
            raise UsageError(
                f"Spark joins hashes of 64 bits, and those of {left.algorithm.name} have "
                f"{left.algorithm.bits}: join them on one machine"
            )
        check_radius(radius, left.algorithm.bits)
        self._session = session
        self._sides = [left] if right is None else [left, right]
        self._searches = list_searches(left, right)
        self._radius = radius
        self._max_pairs = _NO_LIMIT if max_pairs is None else max_pairs
        self._progress = progress
        self._share_rows = share_rows
        self._step = 0
        self._kept = ExitStack()

    def matches(self) -> Iterator[Matches]:
        """The pairs in order, some at a time.

        Raises
        ------
        TooManyPairsError
            More than `max_pairs`, before the first ones come.
        """
        if not all(map(len, self._sides)):
            return
        with self._kept:
            shares = self._shares()
            pairs = self._pairs_of_rows(shares, self._find_values(shares))
            for left, right, distance, mask in _unpacked(pairs):
                yield Matches(left, right, distance.astype(np.uint8), mask.astype(np.uint8))

    def partnered(self) -> Iterator[NDArray[np.int64]]:
        """The rows that are in a pair, some at a time, in any order, perhaps several times.

        However many pairs there are, they are not made one by one.
        """
        if not all(map(len, self._sides)):
            return
        with self._kept:
            shares = self._shares()
            for pairs, search in zip(self._find_values(shares), self._searches, strict=True):
                self._advance()
                left, right = self._rows_of(shares, search, pairs)
                for rows in (
                    _rows_with_others(pairs, left, "left", right, "right"),
                    _rows_with_others(pairs, right, "right", left, "left"),
                ):
                    yield from (found for (found,) in _unpacked(rows))

    def _find_values(self, shares: Frame) -> list[Frame]:
        """The pairs of values of each search."""
        plans = self._plans(shares)
        piece_plans = self._piece_plans(shares, plans)
        return [
            self._pairs_of_values(shares, search, piece_plan)
            for search, piece_plan in zip(self._searches, piece_plans, strict=True)
        ]

    @property
    def _within(self) -> bool:
        return len(self._sides) == 1

    def _advance(self) -> None:
        self._progress("joining", self._step, _STEPS)
        self._step += 1

    def _keep(self, frame: Frame) -> Frame:
        """Have Spark keep what is used several times."""
        kept = frame.persist()
        self._kept.callback(kept.unpersist)
        return kept

    def _shares(self) -> Frame:
        return frame_of(self._session, share_table(self._sides, self._share_rows))

    def _plans(self, shares: Frame) -> list[SearchPlan]:
        """The plan of each search, from samples of its distinct values."""
        self._advance()
        rows = sum(len(side) * len(side.known) for side in self._sides)
        share = SAMPLE_VALUES / max(rows, 1)
        stage = partial(stages.sample, searches=self._searches, share=share)
        table = table_of(map_batches(shares, stage, stages.SAMPLES))
        return [
            plan_search(search, data, share, self._radius)
            for search, data in zip(self._searches, self._by_search(table), strict=True)
        ]

    def _piece_plans(self, shares: Frame, plans: Sequence[SearchPlan]) -> list[PiecePlan]:
        """The pieces of each search, by the digits of all values."""
        self._advance()
        stage = partial(stages.count, searches=self._searches, plans=plans)
        table = table_of(map_batches(shares, stage, stages.COUNTS))
        return [
            cut_pieces(plan, data) for plan, data in zip(plans, self._by_search(table), strict=True)
        ]

    def _by_search(self, table: pa.Table) -> list[tuple[list[bytes], list[bytes]]]:
        """The data of the left and the right side of each search: of `SAMPLES` or `COUNTS`."""
        data: list[tuple[list[bytes], list[bytes]]] = [([], []) for _ in self._searches]
        for search, side, one in zip(*(column.to_pylist() for column in table), strict=True):
            data[search][side].append(one)
        return data

    def _pairs_of_values(self, shares: Frame, search: Search, piece_plan: PiecePlan) -> Frame:
        """Pairs of values of one search: `VALUE_PAIRS`."""
        stage = partial(stages.explode, search=search, piece_plan=piece_plan)
        exploded = map_batches(shares, stage, stages.EXPLODED)
        # one partition a piece, and one for what is repeated within a share
        pieces = exploded.repartitionById(len(piece_plan.pieces) + 1, "piece")
        searched = partial(stages.search_pieces, piece_plan=piece_plan)
        pairs = map_batches(pieces, searched, stages.VALUE_PAIRS)
        return self._keep(pairs.distinct() if search.within else pairs)

    def _pairs_of_rows(self, shares: Frame, found: Sequence[Frame]) -> Frame:
        """All pairs of rows in order, packed: `PACKED`."""
        known = (self._sides[0].known, self._sides[-1].known)
        stage = partial(stages.relate, known=known, within=self._within)
        related, expanded = [], 0
        for search, pairs in zip(self._searches, found, strict=True):
            self._advance()
            left, right = self._rows_of(shares, search, pairs)
            expanded += _count_expanded(search, pairs, left, right)
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
        self._advance()
        return map_batches(pairs.orderBy("left", "right"), stages.pack, stages.PACKED)

    def _rows_of(self, shares: Frame, search: Search, pairs: Frame) -> tuple[Frame, Frame]:
        """The rows of the left and of the right values of pairs, with their hashes."""
        wanted: list[NDArray[np.uint64]] | None = None
        if pairs.count() <= _MOST_WANTED:
            table = table_of(pairs)
            wanted = [np.unique(table[i].to_numpy().view(np.uint64)) for i in range(2)]
        if search.right is None:
            # a value may be the left one of some pairs, and the right one of others
            both = np.union1d(wanted[0], wanted[1]) if wanted else None
            rows = self._find_rows(shares, search.left, both)
            return _named(rows, "left"), _named(rows, "right")
        left, right = (
            self._find_rows(shares, columns, wanted[side] if wanted else None)
            for side, columns in enumerate((search.left, search.right))
        )
        return _named(left, "left"), _named(right, "right")

    def _find_rows(
        self, shares: Frame, columns: Columns, wanted: NDArray[np.uint64] | None
    ) -> Frame:
        stage = partial(stages.find_rows, side=columns.side, columns=columns.columns, wanted=wanted)
        return self._keep(map_batches(shares, stage, stages.VALUE_ROWS))

    def _check_expanded(self, expanded: int) -> None:
        """Raise TooManyPairsError if so many pairs must be too many, whichever are repeats.

        Pairs of upright hashes come once. Of others, each row may also be paired with itself.
        """
        if len(self._searches) == 1 and self._searches[0].columns == 1:
            least = expanded
        else:
            least = math.ceil(expanded / MAX_REPEATS) - len(self._sides[0])
        if least > self._max_pairs:
            raise TooManyPairsError(least, self._max_pairs)


def _count_expanded(search: Search, pairs: Frame, left: Frame, right: Frame) -> int:
    """How many pairs of rows pairs of values stand for, before repeats are dropped."""
    lefts = aggregated(left, "left_value", ["count(*) AS lefts"])
    rights = aggregated(right, "right_value", ["count(*) AS rights"])
    counted = pairs.join(lefts, "left_value").join(rights, "right_value")
    number = "double(lefts) * rights"
    if search.within:
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
