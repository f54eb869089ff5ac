"""How many of the near pairs of images are copies, estimated without a table of true pairs."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.calibration.chance_matches import ScoredPairs, chance_by_distance, fit_tail
from fastphash.calibration.decoys import Pixels, hash_negatives, near_pairs, score_pairs
from fastphash.calibration.estimates import Calibration
from fastphash.defaults import CALIBRATED_PAIRS
from fastphash.errors import TooManyPairsError
from fastphash.evaluation.calibration_tables import StoreCalibration
from fastphash.hashing.algorithms import PHASH, Algorithm
from fastphash.joins.chance import chance_neighbours, choose_radius
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index, check_radius
from fastphash.joins.matches import Matches
from fastphash.joins.options import JoinOptions
from fastphash.store.rows import HashTable

# most needles: images that are joined with all others
_NEEDLES = 20_000


def calibrate(
    rows: HashTable,
    radius: int | None = None,
    *,
    max_pairs: int = CALIBRATED_PAIRS,
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> StoreCalibration:
    """Estimate how many of the near pairs in a store are copies, and how many are chance matches.

    Parameters
    ----------
    rows : HashTable
    radius : int, optional
        By default, the radius that `choose_radius` returns.
    max_pairs : int
        If there are more pairs, fewer needles are joined.
    options : JoinOptions, optional
    progress : Progress
        Called with the number of pairs scored.

    Raises
    ------
    UsageError
        The radius is out of range.
    TooManyPairsError
        A single image has more pairs than `max_pairs`.
    """
    distinct = rows if rows.digests is None else rows.take(find_distinct_rows(rows.digests).first)
    different = _without_equal(distinct)
    index = Index(different.hashes, different.known)
    if radius is None:
        radius = choose_radius(index)
    check_radius(radius, rows.algorithm.bits)
    pixels = partial(_stored_pixels, different) if different.has_thumbnails else None
    options = options or JoinOptions()
    calibration, needles = _calibrate(
        index, rows.algorithm, pixels, radius, max_pairs, options, progress
    )
    left_out = len(rows) - len(distinct), len(distinct) - len(different)
    return StoreCalibration(calibration, len(rows), *left_out, needles)


def estimate(
    thumbnails: NDArray[np.uint8] | None,
    hashes: NDArray[np.uint64],
    radius: int,
    *,
    max_pairs: int = CALIBRATED_PAIRS,
) -> Calibration:
    """Estimate how many near pairs of images are chance matches; no table of true pairs is needed.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024) or None
        Without thumbnails, the estimate uses the distance alone.
    hashes : uint64 (n,), (n, 1) or (n, 8)
        Made by phash, one row for each image; leave out equal images for a better estimate.
    radius : int
    max_pairs : int
        If there are more pairs, fewer needles are joined.

    Raises
    ------
    UsageError
        The hashes have another dtype or shape.
    TooManyPairsError
        A single image has more pairs than `max_pairs`.
    """
    index = Index(hashes)
    pixels = None if thumbnails is None else thumbnails.__getitem__
    options = JoinOptions()
    return _calibrate(index, PHASH, pixels, radius, max_pairs, options, no_progress)[0]


def _calibrate(
    index: Index,
    algorithm: Algorithm,
    pixels: Pixels | None,
    radius: int,
    max_pairs: int,
    options: JoinOptions,
    progress: Progress,
) -> tuple[Calibration, int]:
    """The calibration, and the number of needles that keeps the pairs within `max_pairs`."""
    count = min(len(index), _NEEDLES)
    while True:
        needles = np.unique(np.linspace(0, max(len(index) - 1, 0), count).astype(np.int64))
        try:
            pairs = near_pairs(index.take(needles), needles, index, radius, max_pairs, options)
            if pixels is None:
                return _calibrate_by_distance(index, needles, pairs, radius), count
            negatives = hash_negatives(pixels, needles, index, algorithm)
            decoys = near_pairs(negatives, needles, index, radius, max_pairs, options)
            break
        except TooManyPairsError:
            if count <= 1:
                raise
            count = max(count // 4, 1)
    scored = score_pairs(
        pairs, pixels, negative=False, progress=partial(progress, "looking at pairs")
    )
    scored_decoys = score_pairs(
        decoys, pixels, negative=True, progress=partial(progress, "looking at decoys")
    )
    tail = fit_tail(scored.score)
    chance = chance_by_distance(scored, scored_decoys, tail, algorithm.bits)
    return Calibration(radius, scored, scored_decoys, chance, tail), count


def _calibrate_by_distance(
    index: Index, needles: NDArray[np.int64], pairs: Matches, radius: int
) -> Calibration:
    """The calibration of images without thumbnails."""
    other_count = max(len(index) - 1, 1)
    compared = needles.size * other_count - needles.size * (needles.size - 1) / 2
    chance = chance_neighbours(index) / other_count * compared
    unknown = np.full(pairs.distance.size, np.nan, np.float32)
    no_decoys = ScoredPairs(np.empty(0, np.uint8), np.empty(0, np.float32))
    return Calibration(radius, ScoredPairs(pairs.distance, unknown), no_decoys, chance, None)


def _without_equal(rows: HashTable) -> HashTable:
    """The first of all rows with equal hashes and, if there are thumbnails, equal thumbnails."""
    classes = find_distinct_rows(rows.hashes)
    if not rows.has_thumbnails:
        return rows.take(classes.first)
    shares_hash = np.bincount(classes.of_row, minlength=1)[classes.of_row] > 1
    unique, shared = np.flatnonzero(~shares_hash), np.flatnonzero(shares_hash)
    # read the thumbnails of these rows only
    firsts = find_distinct_rows(rows.hashes[shared], _stored_pixels(rows, shared)).first
    return rows.take(np.sort(np.concatenate([unique, shared[firsts]])))


def _stored_pixels(rows: HashTable, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
    pixels = rows.take(chosen).thumbnails
    assert pixels is not None
    return pixels
