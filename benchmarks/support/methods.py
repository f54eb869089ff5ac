"""Every method's ranking of the pairs of needles and haystack, counted."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.dataset import Dataset, ambiguous_pairs
from benchmarks.support.fingerprints import (
    Fingerprints,
    Words,
    compute_crop_resistant_hashes,
)
from benchmarks.support.mixes import EDITS, rows_of
from benchmarks.support.ranking import (
    Counts,
    Distances,
    Truth,
    hamming,
    tally_all,
    tally_some,
)
from fastphash.base.progress import Progress
from fastphash.base.vocabulary import ViewSet
from fastphash.defaults import MIN_SCORE
from fastphash.hashing.views import make_views
from fastphash.joins.batches import find_matches
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches, concatenate_matches
from fastphash.joins.views import ViewedRows, choose_view_radius, find_view_matches
from fastphash.store.content import Content
from fastphash.verification.comparison import compare_images
from fastphash.verification.crops import MIN_CROPPED_SCORE
from fastphash.verification.window_scores import score_windows

PRECISION = 0.99
ALONE, VERIFIED, PHASH, CROP_RESISTANT = "alone", "verified", "phash", "crops"
VIEWS, LOOKED = "views", "looks"

# scores are counted in steps of 1 / 1000, the highest first
SCORE_LEVELS = 1001
_DISTRACTORS_FOR_SLOW = 10
_SEGMENT_RADIUS = 16


class Comparison(NamedTuple):
    """Every method's counts on one data set, and the size of that."""

    counts: dict[str, Counts]
    needles: int
    haystack: int


class Task(NamedTuple):
    """The needles, the haystack, and which of their pairs are copies."""

    needles: Fingerprints
    haystack: Fingerprints
    truth: Truth


def make_task(
    dataset: Dataset, needles: Fingerprints, haystack: Fingerprints, folders: list[str]
) -> Task:
    """Each folder and edit is a stratum: ``folder * len(EDITS) + edit``."""
    folder = np.array([folders.index(name) for name in dataset.folders])
    left, right = ambiguous_pairs(needles.place, needles.original, haystack.place)
    pasted = np.flatnonzero(needles.ground[:, 0] >= 0)
    if pasted.size:
        part = needles.take(pasted)
        more = ambiguous_pairs(part.ground, part.original, haystack.place)
        left, right = np.append(left, pasted[more[0]]), np.append(right, more[1])
    rows = len(haystack.original)
    truth = Truth(
        needles.original,
        folder[needles.place[:, 0]] * len(EDITS) + needles.edit,
        len(folders) * len(EDITS),
        rows,
        np.sort(left * rows + right),
    )
    return Task(needles, haystack, truth)


def compare(task: Task, radius: int, progress: Progress) -> Comparison:
    """Every method that is fast enough to compare all pairs."""
    needles, haystack, truth = task
    rankings: dict[str, tuple[Distances, int]] = {
        ALONE: (oriented_distance(needles.hashes, haystack.hashes), 64),
        PHASH: (hamming(needles.hashes[:, :1, None], haystack.hashes[:, :1]), 64),
    }
    for name, hashes in needles.rivals.items():
        stored = haystack.rivals[name][:, 0]
        bits = 64 * stored.shape[1]
        rankings[name] = hamming(hashes[:, :1], stored), bits
        if hashes.shape[1] > 1:
            rankings[f"{name}x{hashes.shape[1]}"] = hamming(hashes, stored), bits
    counts: dict[str, Counts] = {}
    for done, (name, (distances, bits)) in enumerate(rankings.items(), 1):
        counts[name] = tally_all(distances, bits + 1, truth)
        if name == ALONE:
            near = score_near(task, radius)
            counts[VERIFIED] = tally_scored(task, near)
            counts[VIEWS] = tally_scored(task, with_views(task, near))
        progress("methods compared", done, len(rankings))
    return Comparison(counts, len(needles.original), len(haystack.original))


def oriented_distance(needles: Words, haystack: Words) -> Distances:
    """The distance that joins report."""
    ours, theirs = Index(needles), Index(haystack)

    def distances(chosen: NDArray[np.int64]) -> NDArray[np.integer[Any]]:
        rows = np.repeat(chosen, len(theirs))
        columns = np.tile(np.arange(len(theirs)), chosen.size)
        return row_distances(ours, rows, theirs, columns)[0].reshape(chosen.size, -1)

    return distances


class ScoredPairs(NamedTuple):
    """Pairs of a needle and a haystack row, each once, and how alike they are."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float64]


def score_near(task: Task, radius: int) -> ScoredPairs:
    """The pairs of a join, with the similarity of their thumbnails."""
    ours, theirs = Index(task.needles.hashes), Index(task.haystack.hashes)
    return score_matches(task, concatenate_matches(list(find_matches(ours, theirs, radius))))


def score_matches(task: Task, found: Matches) -> ScoredPairs:
    """These pairs, with the similarity of their thumbnails."""
    needles, haystack, _ = task
    comparison = compare_images(found, Content(needles.thumbnails), Content(haystack.thumbnails))
    score = np.where(comparison.agrees, 1.0, comparison.score)
    # an audit takes them for copies only if all pixels are equal, which they are not after an edit
    score[comparison.flat] = 0
    return ScoredPairs(found.left, found.right, score)


def with_views(task: Task, near: ScoredPairs, views: ViewSet = "all") -> ScoredPairs:
    """These pairs and those that views propose, each with the higher one of its scores."""
    return join_scored(near, score_views(task, views))


def score_views(task: Task, views: ViewSet = "all") -> ScoredPairs:
    """The pairs that views propose, perhaps more than once each.

    Scores of windows are lowered so that the default for them becomes that for whole images.
    """
    needles, haystack, _ = task
    ours, theirs = (
        ViewedRows(Index(side.hashes), make_views(side.thumbnails, views))
        for side in (needles, haystack)
    )
    radius = choose_view_radius(theirs)
    found = find_view_matches(ours, theirs, radius)
    scores = score_windows(found, Content(needles.thumbnails), Content(haystack.thumbnails)).score
    lowered = scores.astype(np.float64) * (MIN_SCORE / MIN_CROPPED_SCORE)
    return ScoredPairs(found.left, found.right, lowered)


def join_scored(near: ScoredPairs, viewed: ScoredPairs) -> ScoredPairs:
    """All these pairs, each once, with the highest of its scores."""
    left = np.concatenate([near.left, viewed.left])
    right = np.concatenate([near.right, viewed.right])
    score = np.concatenate([near.score, viewed.score])
    order = np.lexsort((-score, right, left))
    left, right, score = left[order], right[order], score[order]
    first = np.ones(order.size, np.bool_)
    first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return ScoredPairs(left[first], right[first], score[first])


def tally_scored(task: Task, pairs: ScoredPairs) -> Counts:
    """Pairs ranked by their scores."""
    level = score_level(pairs.score)
    return tally_some(pairs.left, pairs.right, level, task.truth, SCORE_LEVELS)


def score_level(score: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Level i holds the scores from 1 - i / 1000 up to the level before."""
    level = np.ceil((1 - score.astype(np.float64)) * (SCORE_LEVELS - 1) - 1e-6)
    return level.clip(0, SCORE_LEVELS - 1).astype(np.int64)


def compare_on_subset(
    dataset: Dataset, whole: Task, radius: int, count: int, progress: Progress
) -> Comparison:
    """Every method, the slow one too, on some originals and ten distractors for each."""
    rng = np.random.default_rng(dataset.seed)
    total = len(dataset.originals)
    originals = np.sort(rng.permutation(total)[:count])
    others = total + rng.permutation(whole.truth.haystack_rows - total)
    rows = np.sort(np.concatenate([originals, others[: count * _DISTRACTORS_FOR_SLOW]]))
    chosen = np.flatnonzero(np.isin(whole.needles.original, originals))
    task = Task(
        whole.needles.take(chosen), whole.haystack.take(rows), subset(whole.truth, chosen, rows)
    )
    comparison = compare(task, radius, progress)
    needles, haystack = compute_crop_resistant_hashes(
        dataset, originals.tolist(), rows.tolist(), progress
    )
    rankings = [tally_all(*r, task.truth) for r in rank_by_segments(needles, haystack)]
    comparison.counts[CROP_RESISTANT] = max(rankings, key=best_recall)
    return comparison


def subset(truth: Truth, needles: NDArray[np.int64], rows: NDArray[np.int64]) -> Truth:
    """The truth of some needles and some haystack rows."""
    left, right = np.divmod(truth.ambiguous, truth.haystack_rows)
    kept = np.isin(left, needles) & np.isin(right, rows)
    left, right = np.searchsorted(needles, left[kept]), np.searchsorted(rows, right[kept])
    return truth._replace(
        original=np.searchsorted(rows, truth.original[needles]),
        stratum=truth.stratum[needles],
        haystack_rows=rows.size,
        ambiguous=np.sort(left * rows.size + right),
    )


def rank_by_segments(
    needles: list[Words], haystack: list[Words]
) -> Iterator[tuple[Distances, int]]:
    """Two rankings of pairs by their segments, as in ImageHash's `ImageMultiHash.hash_diff`.

    A segment of a needle matches a picture that has a segment within 16 bits of it. Pairs are
    ranked by the number of matching segments, or by their share of the needle's; equal ones by the
    sum of their distances.
    """
    starts = np.cumsum([0, *(hashes.size for hashes in haystack[:-1])])
    stored = np.concatenate(haystack)
    number, share = np.empty((2, len(needles), len(haystack)))
    for needle, own in enumerate(needles):
        bits = np.bitwise_count(own[:, None] ^ stored)
        least = np.minimum.reduceat(bits, starts, axis=1).astype(np.int64)
        within = least <= _SEGMENT_RADIUS
        matched = within.sum(0)
        number[needle] = matched - (least * within).sum(0) / np.maximum(64 * matched, 1)
        share[needle] = number[needle] / own.size
    yield as_levels(number)
    yield as_levels(share)


def as_levels(similarity: NDArray[np.float64]) -> tuple[Distances, int]:
    """Ranks as distances, and their number: each value is a level, the highest is level 0."""
    values, level = np.unique(-similarity, return_inverse=True)
    level = level.reshape(similarity.shape)
    return lambda needles: level[needles], values.size


def take_mix(counts: Counts, mix: str) -> Counts:
    return counts.take(strata_of(mix, counts.copies.size))


def strata_of(mix: str, strata: int) -> NDArray[np.int64]:
    """The strata of the edits of one mix, or of both."""
    return np.flatnonzero(np.isin(np.arange(strata) % len(EDITS), rows_of(mix)))


def best_recall(counts: Counts) -> float:
    """Recall at 99 % precision with the best threshold for these counts."""
    return counts.recall(counts.threshold(PRECISION))
