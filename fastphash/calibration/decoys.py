"""Near pairs of sampled images, and decoys: near pairs of an image and another's negative."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastphash.calibration.chance_matches import ScoredPairs
from fastphash.errors import TooManyPairsError
from fastphash.hashing.algorithms import PHASH, Algorithm
from fastphash.hashing.stored_thumbnails import hash_stored_thumbnails
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches, concatenate_matches
from fastphash.joins.options import JoinOptions
from fastphash.verification.similarity import similarity

_PAIRS_AT_ONCE = 1 << 17

#: Thumbnails of some rows: uint8 (n, 1024).
Pixels = Callable[[NDArray[np.int64]], NDArray[np.uint8]]


def near_pairs(
    left: Index,
    needles: NDArray[np.int64],
    index: Index,
    radius: int,
    max_pairs: int,
    options: JoinOptions,
) -> Matches:
    """Pairs of a needle and another row within the radius, each pair once.

    Parameters
    ----------
    left : Index
        The hashes of the needles, or of their negatives.
    needles : int64 (n,)
        Rows of `index`.
    index : Index
        All rows.
    radius, max_pairs, options
        Of the join.

    Raises
    ------
    TooManyPairsError
        There are more pairs than `max_pairs`.
    """
    blocks, total = [], 0
    is_needle = np.zeros(len(index), np.bool_)
    is_needle[needles] = True
    # the join gives each pair of needles twice, and each needle paired with itself
    limit = 2 * max_pairs + needles.size
    try:
        for block in find_matches(left, index, radius, max_pairs=limit, options=options):
            rows = needles[block.left]
            once = np.where(is_needle[block.right], rows < block.right, rows != block.right)
            blocks.append(block._replace(left=rows).take(once))
            total += blocks[-1].left.size
            if total > max_pairs:
                break
    except TooManyPairsError as error:
        total = math.ceil((error.pairs - needles.size) / 2)
    if total > max_pairs:
        raise TooManyPairsError(total, max_pairs, "a smaller `radius`")
    return concatenate_matches(blocks)


def hash_negatives(
    pixels: Pixels, needles: NDArray[np.int64], index: Index, algorithm: Algorithm
) -> Index:
    """Hashes of the negatives of the needles, in the orientations that `index` has.

    For phash they are made from thumbnails. Other algorithms compare brightness, or frequencies
    with a median: a negative turns each of these comparisons round, but for ties.
    """
    if algorithm != PHASH:
        return Index(~index.take(needles).hashes, index.known)
    negatives = 255 - pixels(needles)
    orientations = index.hashes.shape[1] > 1
    return Index(hash_stored_thumbnails(negatives, orientations=orientations), index.known)


def score_pairs(
    pairs: Matches, pixels: Pixels, *, negative: bool, progress: Callable[[int, int], None]
) -> ScoredPairs:
    """Score pairs by their thumbnails.

    Parameters
    ----------
    pairs : Matches
    pixels : callable
    negative : bool
        Whether to invert the left thumbnails.
    progress : callable
        Called with the number of pairs scored and the number of all pairs.
    """
    flip = np.uint8(255 if negative else 0)
    score = np.empty(pairs.left.size, np.float32)
    for start in range(0, score.size, _PAIRS_AT_ONCE):
        progress(start, score.size)
        part = slice(start, start + _PAIRS_AT_ONCE)
        left, left_place = np.unique(pairs.left[part], return_inverse=True)
        right, right_place = np.unique(pairs.right[part], return_inverse=True)
        left_pixels, right_pixels = pixels(left) ^ flip, pixels(right)
        mask = pairs.mask[part]
        score[part] = similarity(left_pixels, left_place, right_pixels, right_place, mask).score
    return ScoredPairs(pairs.distance, score)
