"""Hashes, and unions of hashes, as what proposes pairs to look at: each a ranking of pairs."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.support.fingerprints import Oriented
from benchmarks.support.methods import (
    ScoredPairs,
    Task,
    best_recall,
    join_scored,
    oriented_distance,
    score_matches,
    take_mix,
    tally_scored,
)
from benchmarks.support.mixes import HARDER, PLAIN
from benchmarks.support.ranking import Counts, Distances, tally_all, tally_some
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches, concatenate_matches, sort_matches


class Proposed(NamedTuple):
    """What becomes of the pairs that hashes propose.

    Attributes
    ----------
    radii : list of int
        Of each hash, the distance of the farthest pair.
    candidates : float
        Pairs for each needle.
    proposed, verified, views : dict of str to float
        By mix, the share of copies that are proposed; of those found at 99 % precision by the
        scores of their thumbnails; and of those found so with windows as well.
    join_seconds, look_seconds : float
    """

    radii: list[int]
    candidates: float
    proposed: dict[str, float]
    verified: dict[str, float]
    views: dict[str, float]
    join_seconds: float
    look_seconds: float


class Ranked(NamedTuple):
    """The nearest pairs by one hash, the nearest first, and the seconds that their join took."""

    pairs: Matches
    seconds: float


def rank_pairs(task: Task, name: str, distances: Counts, most: int, rng: Generator) -> Ranked:
    """At least `most` pairs by one hash; pairs at one distance are in random order."""
    pairs = (distances.true + distances.false).sum(0).cumsum()
    radius = min(int(np.searchsorted(pairs, most)), pairs.size - 2)
    start = time.perf_counter()
    found = join_by(task, name, radius)
    seconds = time.perf_counter() - start
    order = np.lexsort((rng.random(found.left.size), found.distance))
    return Ranked(found.take(order), seconds)


def propose_by_rank(
    task: Task, ranked: Sequence[Ranked], most: int, viewed: ScoredPairs
) -> Proposed:
    """The first pairs by one hash, or by the union of several: the best rank of a pair counts."""
    rows = len(task.haystack.original)
    ranks = np.concatenate([np.arange(one.pairs.left.size) for one in ranked])
    order = np.argsort(ranks, kind="stable")
    every = concatenate_matches([one.pairs for one in ranked]).take(order)
    _, first = np.unique(every.left * rows + every.right, return_index=True)
    chosen = np.sort(first)[:most]
    taken = ranks[order[chosen[-1]]] + 1 if chosen.size else 0
    radii = [int(one.pairs.distance[:taken].max(initial=0)) for one in ranked]
    seconds = sum(one.seconds for one in ranked)
    return _judge(task, sort_matches(every.take(chosen), rows), radii, viewed, seconds)


def propose_by_radius(task: Task, name: str, radius: int, viewed: ScoredPairs) -> Proposed:
    """All pairs within a radius."""
    start = time.perf_counter()
    found = join_by(task, name, radius)
    return _judge(task, found, [radius], viewed, time.perf_counter() - start)


def join_by(task: Task, name: str, radius: int) -> Matches:
    """The pairs of a join of the needles and the haystack rows that are clear enough."""
    ours, theirs = task.needles.algorithms[name], task.haystack.algorithms[name]
    left, right = np.flatnonzero(ours.clear), np.flatnonzero(theirs.clear)
    batches = find_matches(Index(ours.hashes[left]), Index(theirs.hashes[right]), radius)
    found = concatenate_matches(list(batches))
    return found._replace(left=left[found.left], right=right[found.right])


def tally_distances(task: Task, name: str) -> Counts:
    """All pairs by their distance; those that are not clear enough are as far apart as can be."""
    ours, theirs = task.needles.algorithms[name], task.haystack.algorithms[name]
    bits = 64 * ours.hashes.shape[2]
    return tally_all(_clear_distance(ours, theirs, bits), bits + 1, task.truth)


def _clear_distance(ours: Oriented, theirs: Oriented, bits: int) -> Distances:
    distance = oriented_distance(ours.hashes, theirs.hashes)

    def distances(needles: NDArray[np.int64]) -> NDArray[np.integer]:
        clear = ours.clear[needles][:, None] & theirs.clear
        return np.where(clear, distance(needles).astype(np.int64), bits)

    return distances


def _judge(
    task: Task, found: Matches, radii: list[int], viewed: ScoredPairs, join_seconds: float
) -> Proposed:
    start = time.perf_counter()
    scored = score_matches(task, found)
    look_seconds = time.perf_counter() - start
    level = np.zeros(found.left.size, np.int64)
    proposed = tally_some(found.left, found.right, level, task.truth, 1)
    verified, views = tally_scored(task, scored), tally_scored(task, join_scored(scored, viewed))
    mixes = (PLAIN, HARDER)
    return Proposed(
        radii,
        found.left.size / len(task.needles.original),
        {mix: take_mix(proposed, mix).recall(0) for mix in mixes},
        {mix: best_recall(take_mix(verified, mix)) for mix in mixes},
        {mix: best_recall(take_mix(views, mix)) for mix in mixes},
        join_seconds,
        look_seconds,
    )
