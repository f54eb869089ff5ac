"""The share of copies that `fastphash.evaluation.calibrate` estimates, compared with the truth."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.support.dataset import Dataset, ambiguous_pairs
from benchmarks.support.fingerprints import Fingerprints
from fastphash.evaluation.calibrate import estimate
from fastphash.external.api import self_join

# shares of originals that have a copy
SHARES = (1.0, 0.1, 0.01)
SCORES = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
DISTANCES = (4, 8, 10, 12, 14)


class CheckedEstimate(NamedTuple):
    """The true and the estimated share of copies among the pairs up to one threshold.

    Attributes
    ----------
    threshold : str
    pairs : int
    true, estimated : float
        `true` is NaN without pairs.
    bounds : (float, float)
        Of the estimate.
    """

    threshold: str
    pairs: int
    true: float
    estimated: float
    bounds: tuple[float, float]


class LabelledImages(NamedTuple):
    """Images whose copies are known.

    Attributes
    ----------
    hashes : uint64 (n, 8)
    thumbnails : uint8 (n, 1024)
    original : int64 (n,)
        Images with the same original are copies.
    """

    hashes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]
    original: NDArray[np.int64]


def check_thresholds(
    images: LabelledImages, radius: int, scores: Sequence[float], distances: Sequence[int]
) -> tuple[list[CheckedEstimate], list[CheckedEstimate]]:
    """Estimates at every score, and at every distance up to the radius."""
    estimates = estimate(images.thumbnails, images.hashes, radius)
    pairs = self_join(images.hashes, radius)
    is_copy = images.original[pairs.left] == images.original[pairs.right]

    def check(
        threshold: str, chosen: NDArray[np.bool_], share: float, bounds: tuple[float, float]
    ) -> CheckedEstimate:
        copies = is_copy[chosen]
        true = float(copies.mean()) if copies.size else float("nan")
        return CheckedEstimate(threshold, copies.size, true, share, bounds)

    by_score = [
        check(
            f"score from {score:.2f}",
            estimates.pairs.score >= np.float32(score),
            estimates.precision_at(score),
            estimates.at_score(score).bounds,
        )
        for score in scores
    ]
    by_distance = [
        check(
            f"up to {distance} bits",
            pairs.distance <= distance,
            estimates.precision_at_distance(distance),
            estimates.at_distance(distance).bounds,
        )
        for distance in distances
        if distance <= radius
    ]
    return by_score, by_distance


def check_estimates(
    dataset: Dataset, needles: Fingerprints, haystack: Fingerprints, radius: int
) -> Iterator[tuple[int, CheckedEstimate]]:
    """Estimates for sets of images in which more or fewer originals have one edited copy.

    The sets also hold windows that overlap neither originals nor one another, so that the truth is
    known for every pair. Copies pasted into other pictures are left out for the same reason. Each
    estimate comes with the number of originals that have a copy.
    """
    rng = np.random.default_rng(dataset.seed)
    rows = rows_without_overlap(dataset, haystack)
    originals = rows[rows < len(dataset.originals)]
    for count in sorted({max(round(share * originals.size), 1) for share in SHARES}, reverse=True):
        copied = rng.permutation(originals)[:count]
        copies = needles.take(one_needle_each(needles, copied, rng))
        images = haystack.take(rows)
        labelled = LabelledImages(
            np.concatenate([images.hashes, copies.hashes]),
            np.concatenate([images.thumbnails, copies.thumbnails]),
            np.concatenate([images.original, copies.original]),
        )
        for checked in check_thresholds(labelled, radius, SCORES, DISTANCES):
            yield from ((copied.size, one) for one in checked)


def rows_without_overlap(dataset: Dataset, haystack: Fingerprints) -> NDArray[np.int64]:
    """Rows of originals and of other windows, no two of them ambiguous."""
    others = len(next(reversed(dataset.distractors.values())))
    rows = np.arange(len(haystack.original))
    rows = rows[(rows < len(dataset.originals)) | (rows >= rows.size - others)]
    place = haystack.place[rows]
    left, right = ambiguous_pairs(place, np.arange(rows.size), place)
    return np.delete(rows, right[left < right])


def one_needle_each(
    needles: Fingerprints, originals: NDArray[np.int64], rng: Generator
) -> NDArray[np.int64]:
    """A random needle of each original that shows nothing else."""
    usable = needles.ground[:, 0] < 0
    return np.array(
        [rng.choice(np.flatnonzero(usable & (needles.original == row))) for row in originals]
    )
