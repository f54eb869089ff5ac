"""Joins on Spark, and their stages without it."""

import importlib.util
import shutil
from collections import defaultdict

import numpy as np
import pyarrow as pa

from fastphash.cluster import join_stages as stages
from fastphash.cluster.searches import SAMPLE_VALUES, cut_pieces, list_searches, plan_search
from fastphash.cluster.shares import share_table
from fastphash.hashing.definition import Definition
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from tests.support.skipping import missing
from tests.support.stores import hashes_of


def needs_spark():
    """Skip a test where Spark can't run."""
    if importlib.util.find_spec("pyspark") is None:
        missing("pyspark isn't installed: pip install 'fastphash[spark]'")
    if shutil.which("java") is None:
        missing("no Java, which Spark needs: apt-get install openjdk-17-jre-headless")


def table_of(hashes, split="all"):
    """Rows of hashes (n,) or (n, 8)."""
    columns = np.atleast_2d(hashes.T)
    names = Definition().columns[: len(columns)]
    named = {name: np.ascontiguousarray(c) for name, c in zip(names, columns, strict=True)}
    paths = [f"{row:06d}.jpg" for row in range(len(hashes))]
    return hashes_of({"split": [split] * len(hashes), "path": paths, **named})


def in_memory(left, right, radius):
    """The matches of two tables on one machine."""
    index = [None if side is None else Index(side.hashes, side.known) for side in (left, right)]
    return joined(find_matches(*index, radius))


def joined(matches):
    """All matches as one list of (left, right, distance, mask)."""
    columns = [np.concatenate([np.empty(0, int), *column]) for column in zip(*matches, strict=True)]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def staged(left, right, radius, *, share_rows=1000, most_values=None, filtered=True):
    """The same by the stages of a join on Spark, with lists and dictionaries in its place."""
    sides = [left] if right is None else [left, right]
    searches = list_searches(left, right)
    shares = [[one] for one in share_table(sides, share_rows).to_batches(max_chunksize=1)]
    share = SAMPLE_VALUES / max(sum(map(len, sides)), 1)
    samples = _by_search(shares, stages.sample, searches=searches, share=share)
    plans = [plan_search(s, samples[i], share, radius) for i, s in enumerate(searches)]
    counts = _by_search(shares, stages.count, searches=searches, plans=plans)
    found = set()
    for number, (search, plan) in enumerate(zip(searches, plans, strict=True)):
        piece_plan = cut_pieces(plan, counts[number], most_values)
        pairs = _value_pairs(shares, search, piece_plan)
        wanted = [np.unique(side) for side in np.array([*pairs], np.uint64).reshape(-1, 2).T]
        if search.right is None:
            wanted = [np.union1d(*wanted)] * 2
        chosen = [search.left, search.right or search.left]
        rows = [
            _rows(shares, columns, values if filtered else None)
            for columns, values in zip(chosen, wanted, strict=True)
        ]
        found |= _related(pairs, *rows, left.known, sides[-1].known, within=right is None)
    return sorted(found)


def _run(shares, stage, **arguments):
    return [row for share in shares for b in stage(iter(share), **arguments) for row in rows_of(b)]


def rows_of(batch):
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _by_search(shares, stage, *, searches, **arguments):
    data = [([], []) for _ in searches]
    for search, side, one in _run(shares, stage, searches=searches, **arguments):
        data[search][side].append(one)
    return data


def _value_pairs(shares, search, piece_plan):
    partitions = defaultdict(list)
    for row in _run(shares, stages.explode, search=search, piece_plan=piece_plan):
        partitions[row[0]].append(stages.batch_of(stages.EXPLODED, *([value] for value in row)))
    pairs = _run(partitions.values(), stages.search_pieces, piece_plan=piece_plan)
    if not search.within:
        assert len(pairs) == len(set(pairs))
    different = [pair for pair in pairs if pair[0] != pair[1]]
    assert len(different) == len(set(different))
    return {tuple(value & (2**64 - 1) for value in pair) for pair in pairs}


def _rows(shares, columns, wanted):
    rows = defaultdict(set)
    side, chosen = columns
    for value, row, hashes in _run(
        shares, stages.find_rows, side=side, columns=chosen, wanted=wanted
    ):
        rows[value & (2**64 - 1)].add((row, hashes))
    return rows


def _related(pairs, left, right, left_known, right_known, *, within):
    names = ["left", "right", "left_hashes", "right_hashes"]
    listed = [(a[0], b[0], a[1], b[1]) for v, w in pairs for a in left[v] for b in right[w]]
    if not listed:
        return set()
    batch = pa.RecordBatch.from_pylist([dict(zip(names, row, strict=True)) for row in listed])
    return {
        row
        for related in stages.relate(iter([batch]), (left_known, right_known), within=within)
        for row in rows_of(related)
    }
