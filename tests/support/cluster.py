"""Joins on Spark, and their stages without it."""

import importlib.util
import shutil
from collections import defaultdict

import numpy as np
import pyarrow as pa

from fastphash.cluster import join_stages as stages
from fastphash.cluster.searches import cut_pieces, uses_of
from fastphash.cluster.shares import share_table
from fastphash.external.plans import Sides, choose_search_plan, sources_of
from fastphash.external.searches import searches_of
from fastphash.external.table_stream import TableStream
from fastphash.hashing.definition import Definition
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
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
    sides = Sides(*(side and TableStream(side, share_rows) for side in (left, right)))
    streams = [side for side in sides if side]
    searches = searches_of(left.known, None if right is None else right.known)
    uses = [uses_of(search, len(streams)) for search in searches]
    shares = [[one] for one in share_table(streams).to_batches(max_chunksize=1)]
    options = JoinOptions(threads=1)
    plans = [choose_search_plan(sources_of(one, sides), radius, options) for one in searches]
    counts = _counts(shares, uses, plans)
    found = set()
    for number, search in enumerate(searches):
        piece_plan = cut_pieces(plans[number], counts[number], most_values)
        pairs = _value_pairs(shares, uses[number], piece_plan)
        wanted = [np.unique(side) for side in np.array([*pairs], np.uint64).reshape(-1, 2).T]
        if not search.is_across:
            wanted = [np.union1d(*wanted)] * 2
        taken = [(0, search.left), (len(streams) - 1, search.right or search.left)]
        rows = [
            _rows(shares, streams, *one, values if filtered else None)
            for one, values in zip(taken, wanted, strict=True)
        ]
        found |= _related(pairs, *rows, left.known, streams[-1].known, within=right is None)
    return sorted(found)


def _run(shares, stage, **arguments):
    return [row for share in shares for b in stage(iter(share), **arguments) for row in rows_of(b)]


def rows_of(batch):
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _counts(shares, uses, plans):
    data = [([], []) for _ in plans]
    for search, side, one in _run(shares, stages.count, uses=uses, plans=plans):
        data[search][side].append(one)
    return data


def _value_pairs(shares, uses, piece_plan):
    partitions = defaultdict(list)
    for row in _run(shares, stages.explode, uses=uses, piece_plan=piece_plan):
        partitions[row[0]].append(stages.batch_of(stages.EXPLODED, *([value] for value in row)))
    pairs = _run(partitions.values(), stages.search_pieces, piece_plan=piece_plan)
    if piece_plan.across:
        assert len(pairs) == len(set(pairs))
    different = [pair for pair in pairs if pair[0] != pair[1]]
    assert len(different) == len(set(different))
    return {tuple(value & (2**64 - 1) for value in pair) for pair in pairs}


def _rows(shares, streams, side, orientations, wanted):
    rows = defaultdict(set)
    arguments = {"side": side, "known": streams[side].known, "orientations": orientations}
    for value, row, hashes in _run(shares, stages.find_rows, **arguments, wanted=wanted):
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
