"""Pairs whose thumbnails leave a doubt, and what a look at their pixels shows."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.dataset import Dataset, Needle, edited_copies
from benchmarks.support.fingerprints import Fingerprints
from benchmarks.support.methods import ScoredPairs, Task
from benchmarks.support.mixes import EDITS, rows_of
from benchmarks.support.object_pictures import ObjectPicture, write_object_pictures
from benchmarks.support.ranking import Truth
from fastphash.audits.doubts import LEAST_RESCUED, LEAST_VETOED, first_round
from fastphash.audits.findings import find_findings
from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.base.orientations import orient_pixels
from fastphash.base.progress import Progress
from fastphash.base.vocabulary import DIFFERENT, KINDS, NEAR
from fastphash.defaults import MIN_SCORE
from fastphash.hashing.views import make_views
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.matches import concatenate_matches
from fastphash.joins.views import ViewedRows, choose_view_radius, find_view_matches
from fastphash.looks.aligned import Alignment, align_described
from fastphash.looks.judgement import DOUBT_END, DOUBT_START, IS_COPY, IS_NO_COPY, judge_doubts
from fastphash.looks.keypoints import Described, describe, use_one_thread
from fastphash.looks.pictures import decode_picture
from fastphash.looks.table import Looks
from fastphash.results.audit_folder import read_splits
from fastphash.sources.local import folder_source
from fastphash.store.content import Content
from fastphash.verification.comparison import compare_images
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.crops import MIN_CROPPED_SCORE
from fastphash.verification.decide_kind import Relation, relate_matches
from fastphash.verification.window_scores import score_windows

COPY, OTHER_SHOT, OTHER = "copy", "other shot", "other"

_SPLIT = "objects"


class Pair(NamedTuple):
    """Two pictures, of which one is turned into the frame of the other.

    Attributes
    ----------
    left, right : int
    orientation : int
    score : float
        Of their thumbnails; at `MIN_SCORE` a pair is accused.
    truth : str
        COPY, OTHER_SHOT or OTHER.
    group : str
        What it is counted with.
    """

    left: int
    right: int
    orientation: int
    score: float
    truth: str
    group: str

    @property
    def accused(self) -> bool:
        return self.score >= MIN_SCORE


class LookedAt(NamedTuple):
    """Pairs, what looks at them showed, and how long all looks took, in seconds of processors."""

    pairs: list[Pair]
    looks: Looks
    seconds: float


# --- objects on plain grounds


def look_at_objects(individuals: int, seed: int, progress: Progress) -> LookedAt:
    """All pairs of object pictures within the radius of an audit, and those that views find.

    Equal pictures by thumbnails are left out, and those in other colours.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name, _SPLIT), Path(name, "audit")
        pictures = write_object_pictures(folder, individuals, seed)
        options = AuditOptions(looks=0)
        summary = audit(
            out, [folder_source(f"{_SPLIT}={folder}")], options, progress=progress
        ).summary
        pairs, files = _object_pairs(out, pictures, options, int(summary["radius"]))
        start = time.process_time()
        use_one_thread()
        described: dict[tuple[int, int], Described] = {}

        def describe_file(row: int, orientation: int) -> Described:
            if (row, orientation) not in described:
                picture = decode_picture((folder / files[row]).read_bytes(), grey=True)
                described[row, orientation] = describe(orient_pixels(picture, orientation))
            return described[row, orientation]

        alignments = []
        for done, pair in enumerate(pairs, 1):
            left = describe_file(pair.left, pair.orientation)
            right = describe_file(pair.right, 0)
            alignments.append(align_described(left, right, need_keypoints=not pair.accused))
            progress("object pictures looked at", done, len(pairs))
        return LookedAt(pairs, as_looks(alignments), time.process_time() - start)


def _object_pairs(
    out: Path, pictures: list[ObjectPicture], options: AuditOptions, radius: int
) -> tuple[list[Pair], list[str]]:
    rows = read_splits(out, [_SPLIT])
    files = [os.fsdecode(path) for path in rows.paths.to_pylist()]
    criteria = CopyCriteria(radius, MIN_SCORE, options.join)
    found = concatenate_matches([*find_matches(Index(rows.hashes, rows.known), None, radius)])
    relation = relate_matches(found, rows.content, rows.content, MIN_SCORE)
    doubtful = (relation.kind >= NEAR) & (relation.colour != DIFFERENT)
    doubtful &= relation.score >= DOUBT_START
    near = np.flatnonzero(doubtful)
    windows = find_findings(rows, criteria, options)
    by_path = {one.path: one for one in pictures}
    shown = [by_path[file] for file in files]
    ends = np.stack([found.left[near], found.right[near]], axis=1)
    return [
        *_as_pairs(ends, relation.take(near), shown),
        *_as_pairs(windows.copies.pairs, windows.copies.relation, shown),
        *_as_pairs(windows.doubtful.pairs, windows.doubtful.relation, shown),
    ], files


def _as_pairs(
    ends: NDArray[np.int64], relation: Relation, shown: Sequence[ObjectPicture]
) -> Iterator[Pair]:
    for (left, right), kind, orientation, score in zip(
        ends.tolist(),
        relation.kind.tolist(),
        relation.orientation.tolist(),
        relation.score.tolist(),
        strict=True,
    ):
        ours, theirs = shown[left], shown[right]
        truth = OTHER_SHOT if ours.shows_same_thing_as(theirs) else OTHER
        truth = COPY if ours.is_copy_of(theirs) else truth
        yield Pair(left, right, orientation, score, truth, KINDS[kind])


# --- edited copies


def edited_pairs(
    needles: Fingerprints, haystack: Fingerprints, truth: Truth, radius: int
) -> list[Pair]:
    """Pairs of needles and haystack within a radius, and those that views propose, each once.

    The scores of windows are lowered so that the default for them is that for whole pictures.
    """
    ours, theirs = Content(needles.thumbnails), Content(haystack.thumbnails)
    frames = Index(needles.hashes), Index(haystack.hashes)
    found = concatenate_matches([*find_matches(*frames, radius)])
    whole = compare_images(found, ours, theirs)
    viewed, viewed_haystack = (
        ViewedRows(index, make_views(side.thumbnails, "all"))
        for index, side in zip(frames, (needles, haystack), strict=True)
    )
    windows = find_view_matches(viewed, viewed_haystack, choose_view_radius(viewed_haystack))
    scored = score_windows(windows, ours, theirs)
    left = np.concatenate([found.left, windows.left])
    right = np.concatenate([found.right, windows.right])
    turn = np.concatenate([whole.orientation, scored.orientation])
    score = np.concatenate(
        [
            np.where(whole.agrees, 1, whole.score),
            scored.score * np.float32(MIN_SCORE / MIN_CROPPED_SCORE),
        ]
    )
    order = np.lexsort((-score, right, left))
    first = np.ones(order.size, np.bool_)
    first[1:] = (np.diff(left[order]) != 0) | (np.diff(right[order]) != 0)
    chosen = order[first]
    key = left[chosen] * truth.haystack_rows + right[chosen]
    chosen = chosen[~np.isin(key, truth.ambiguous) & (score[chosen] >= DOUBT_START)]
    rows = zip(
        left[chosen].tolist(),
        right[chosen].tolist(),
        turn[chosen].tolist(),
        score[chosen].tolist(),
        strict=True,
    )
    return [
        Pair(
            needle,
            row,
            orientation,
            alike,
            COPY if truth.original[needle] == row else OTHER,
            EDITS[needles.edit[needle]].name,
        )
        for needle, row, orientation, alike in rows
    ]


def score_after_looks(dataset: Dataset, task: Task, radius: int, progress: Progress) -> ScoredPairs:
    """The pairs of `edited_pairs`, once those in doubt were looked at in rounds as in an audit.

    Proven copies have a score of 1, and pairs that are no copies are left out.
    """
    pairs = edited_pairs(task.needles, task.haystack, task.truth, radius)
    score = np.array([pair.score for pair in pairs])
    doubtful = np.flatnonzero(score < DOUBT_END)
    looks = look_at_edited(dataset, task.needles, [pairs[i] for i in doubtful], progress).looks
    accused = score[doubtful] >= MIN_SCORE
    verdict = judge_doubts(looks, accused)
    for side, least in ((accused, LEAST_VETOED), (~accused, LEAST_RESCUED)):
        closest = np.flatnonzero(side)
        closest = closest[np.argsort(np.abs(score[doubtful[closest]] - MIN_SCORE), kind="stable")]
        rest = closest[looked_in_rounds(verdict[closest] > 0, least, len(task.needles.original)) :]
        verdict[rest] = 0
    score[doubtful[verdict == IS_COPY]] = 1
    kept = np.setdiff1d(np.arange(score.size), doubtful[verdict == IS_NO_COPY])
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    return ScoredPairs(left[kept], right[kept], score[kept])


def looked_in_rounds(decided: NDArray[np.bool_], least: float, images: int) -> int:
    """How many pairs an audit looks at, given whether a look decides each, closest first."""
    start, size = 0, first_round(images)
    while start < decided.size:
        stop = min(start + size, decided.size)
        share = int(decided[start:stop].sum())
        if share < least * (stop - start):
            return stop
        start, size = stop, int(share / least)
    return decided.size


def look_at_edited(
    dataset: Dataset, needles: Fingerprints, pairs: list[Pair], progress: Progress
) -> LookedAt:
    """Edit each original again, and look at the pairs of its needles."""
    # pairs ascend by needle, and needles by original
    ends = np.searchsorted(
        [pair.left for pair in pairs],
        np.searchsorted(needles.original, np.arange(len(dataset.originals) + 1)),
    )
    first = np.searchsorted(needles.original, np.arange(len(dataset.originals)))
    tasks = [
        (original, [p._replace(left=p.left - int(first[original])) for p in pairs[start:stop]])
        for original, (start, stop) in enumerate(pairwise(ends.tolist()))
        if start < stop
    ]
    alignments: list[Alignment] = []
    seconds = 0.0
    context = multiprocessing.get_context("spawn")
    with context.Pool(os.cpu_count(), _start_worker, (dataset,)) as workers:
        for done, (some, took) in enumerate(workers.imap(_look_at_needles, tasks), 1):
            alignments += some
            seconds += took
            progress("edited copies looked at", done, len(tasks))
    return LookedAt(pairs, as_looks(alignments), seconds)


_dataset: Dataset


def _start_worker(dataset: Dataset) -> None:
    global _dataset  # noqa: PLW0603 (sent to each worker once, not with each task)
    _dataset = dataset
    use_one_thread()


def _look_at_needles(task: tuple[int, list[Pair]]) -> tuple[list[Alignment], float]:
    original, pairs = task
    edits = [EDITS[row] for row in rows_of(_dataset.mix)]
    needles: list[Needle] = [*edited_copies(_dataset, original, edits)]
    pictures = {pair.right: _dataset.picture(_dataset.haystack[pair.right]) for pair in pairs}
    start = time.process_time()
    right = {row: describe(np.asarray(picture)) for row, picture in pictures.items()}
    left: dict[tuple[int, int], Described] = {}
    alignments = []
    for pair in pairs:
        key = pair.left, pair.orientation
        if key not in left:
            left[key] = describe(orient_pixels(np.asarray(needles[pair.left].picture), key[1]))
        alignments.append(
            align_described(left[key], right[pair.right], need_keypoints=not pair.accused)
        )
    return alignments, time.process_time() - start


def as_looks(alignments: Sequence[Alignment]) -> Looks:
    """What a run of looks would hold."""
    looks = Looks.none(len(alignments))
    looks.looked[:] = True
    for i, one in enumerate(alignments):
        looks.correlation[i], looks.keypoints[i] = one.correlation, min(one.keypoints)
        looks.window[i], looks.other_window[i] = one.window, one.other_window
        looks.matched[i] = one.matched
        looks.covered[i], looks.loose[i], looks.alike[i] = one.covered, one.loose, one.alike
    return looks
