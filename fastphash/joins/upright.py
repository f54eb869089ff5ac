"""Pairs of distinct rows where a row has one hash, upright: a distinct row is a distinct value."""

from collections.abc import Iterator

import numpy as np

from fastphash.errors import TooManyPairsError
from fastphash.joins.bit_order import reorder_bits
from fastphash.joins.distinct import DistinctIndex, DistinctPairs, distinct_values
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.row_lists import count_equal_pairs, count_row_pairs
from fastphash.joins.search import find_across, find_within, plan_search
from fastphash.joins.values import DistinctValues, NumberPairs


def find_upright_pairs(
    left: Index, right: Index | None, radius: int, limit: int, options: JoinOptions
) -> DistinctPairs:
    """All pairs of distinct rows; without `right`, pairs of two distinct rows of `left`.

    Distinct rows are in ascending order, with their bits in the order of the search plan.

    Raises
    ------
    TooManyPairsError
        They stand for more than `limit` pairs of rows.
    """
    within = right is None
    indexes = [left] if right is None else [left, right]
    hashes = [index.column(0) for index in indexes]
    plan = plan_search(hashes[0], None if within else hashes[1], radius, options)
    values = [distinct_values(reorder_bits(side, plan), threads=options.threads) for side in hashes]
    left_values, right_values = values[0], values[-1]
    batches: Iterator[NumberPairs] = iter(())
    if not within:
        batches = find_across(left_values.values, right_values.values, plan, options)
    elif radius:
        batches = find_within(left_values.values, plan, options)
    row_pairs = count_equal_pairs(left_values) if within else 0
    kept = []
    for batch in batches:
        row_pairs += count_row_pairs(batch, left_values, right_values)
        if row_pairs > limit:
            break
        kept.append(batch)
    if row_pairs > limit:
        raise TooManyPairsError(row_pairs, limit)
    return DistinctPairs(_as_rows(left_values), _as_rows(right_values), _concatenate(kept))


def _as_rows(values: DistinctValues) -> DistinctIndex:
    return DistinctIndex(Index(values.values), values.starts, values.rows)


def _concatenate(batches: list[NumberPairs]) -> NumberPairs:
    if len(batches) == 1:
        return batches[0]
    no_numbers = np.empty(0, np.int64)
    return NumberPairs(
        np.concatenate([no_numbers, *(batch.left for batch in batches)]),
        np.concatenate([no_numbers, *(batch.right for batch in batches)]),
    )
