"""Scores of pairs that would be near copies if any score were enough, of a sample of images."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import NEAR
from fastphash.calibration.decoys import near_pairs
from fastphash.errors import TooManyPairsError
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.joins.options import JoinOptions
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import relate_matches

# about so many pairs are scored, and never more than so many
_PAIRS = 60_000
_MAX_PAIRS = 4 * _PAIRS
# images that are looked at with the same hashes, but other bytes
_SAME_HASHES = 2


def sample_near_scores(
    rows: HashTable, criteria: CopyCriteria, per_image: float
) -> NDArray[np.float32]:
    """Scores of the pairs of some images, evenly spaced, with all others: float32 (n,).

    Pairs whose thumbnails agree are left out, and such as are no copies whatever their score:
    flat ones, and those in different colours.

    Parameters
    ----------
    rows : HashTable
        With thumbnails.
    criteria : CopyCriteria
        The radius counts.
    per_image : float
        Pairs that an image has by chance within the radius.
    """
    number, hash_class, is_first = _distinct_images(rows)
    index = Index(rows.hashes[number], rows.known)
    images, place = _places(rows, number)
    count = min(images, int(_PAIRS / (per_image + 1)) + 1)
    options = JoinOptions(memory=criteria.options.memory)
    while count:
        spaced = np.unique(np.linspace(0, images - 1, count).astype(np.int64))
        needles = np.flatnonzero(np.isin(place, spaced))
        if not needles.size:
            break
        left = index.take(needles)
        try:
            pairs = near_pairs(left, needles, index, criteria.radius, _MAX_PAIRS, options)
        except TooManyPairsError:
            count //= 4
            continue
        # of images with the same hashes the first stands for all
        once = (is_first[pairs.left] & is_first[pairs.right]) | (
            hash_class[pairs.left] == hash_class[pairs.right]
        )
        pairs = pairs.take(np.flatnonzero(once))
        return _score_near(rows, pairs._replace(left=number[pairs.left], right=number[pairs.right]))
    return np.empty(0, np.float32)


def _places(rows: HashTable, number: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """How many images there are, and the place of each of these rows among them: int64 (n,).

    Images that were left, because they are near no other one, count as well.
    """
    images = rows.searched - (len(rows) - number.size)
    if rows.whole is None:
        return images, np.arange(number.size)
    others_before = number - np.arange(number.size)
    return images, rows.whole.numbers[number] - others_before


def _distinct_images(
    rows: HashTable,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """A few rows of other bytes for each row of hashes; which hashes; whether it is their first."""
    hash_class = find_distinct_rows(rows.hashes).of_row
    number = np.arange(len(rows))
    if rows.digests is not None:
        number = find_distinct_rows(rows.hashes, rows.digests).first
    order = number[np.argsort(hash_class[number], kind="stable")]
    ordered = hash_class[order]
    rank = np.arange(ordered.size) - np.searchsorted(ordered, ordered)
    kept = np.flatnonzero(rank < _SAME_HASHES)
    by_row = kept[np.argsort(order[kept])]
    return order[by_row], ordered[by_row], rank[by_row] == 0


def _score_near(rows: HashTable, pairs: Matches) -> NDArray[np.float32]:
    # others compare most of these pairs later: they are read now, and their scores remembered
    content = rows.content
    relation = relate_matches(pairs, content, content, 0.0)
    scores: NDArray[np.float32] = relation.score[relation.kind == NEAR]
    return scores
