"""Does `fastphash.calibrate`, which knows no truth, tell how many of the near pairs are copies?

The originals of a pool and other windows that don't overlap make a set of images, some of the
originals with one edited copy each. All pairs in it are true or false, and are counted.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pool
from fingerprints import Prints
from numpy.random import Generator
from numpy.typing import NDArray
from pool import Pool

from fastphash.calibrate import estimate
from fastphash.joins import Index, concatenated, matches
from fastphash.likeness import similarity

SHARES = (1.0, 0.1, 0.01)
SCORES = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
DISTANCES = (4, 8, 10, 12, 14)


class Held(NamedTuple):
    """One threshold: what is true of the pairs, and what was estimated."""

    copied: int
    threshold: str
    pairs: int
    true: float
    estimated: float
    least: float
    most: float

    @property
    def off(self) -> float:
        return self.estimated - self.true


def held_against_truth(
    made: Pool, needles: Prints, haystack: Prints, radius: int
) -> Iterator[Held]:
    rng = np.random.default_rng(made.seed)
    apart = not_overlapping(made, haystack)
    originals = apart[apart < len(made.originals)]
    for count in sorted({max(round(share * originals.size), 1) for share in SHARES}, reverse=True):
        copied = rng.permutation(originals)[:count]
        copies = one_of_each(needles, copied, rng)
        images = haystack.take(apart)
        hashes = np.concatenate([images.hashes, needles.hashes[copies]])
        thumbnails = np.concatenate([images.thumbnails, needles.thumbnails[copies]])
        own = np.concatenate([images.own, needles.own[copies]])
        yield from held(copied.size, hashes, thumbnails, own, radius)


def not_overlapping(made: Pool, haystack: Prints) -> NDArray[np.int64]:
    """Rows of the originals and of other windows, no two of which may be called copies."""
    others = len(next(reversed(made.distractors.values())))
    rows = np.arange(len(haystack.own))
    rows = rows[(rows < len(made.originals)) | (rows >= rows.size - others)]
    place = haystack.place[rows]
    left, right = pool.unjudged(place, np.arange(rows.size), place)
    return np.delete(rows, right[left < right])


def one_of_each(needles: Prints, originals: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """A random needle of each."""
    return np.array([rng.choice(np.flatnonzero(needles.own == row)) for row in originals])


def held(
    copied: int,
    hashes: NDArray[np.uint64],
    thumbnails: NDArray[np.uint8],
    own: NDArray[np.int64],
    radius: int,
) -> Iterator[Held]:
    """Every threshold; images of one `own` are copies."""
    found = concatenated(list(matches(Index(hashes), None, radius)))
    score = similarity(thumbnails, found.left, thumbnails, found.right, found.mask).score
    true = own[found.left] == own[found.right]
    told = estimate(thumbnails, hashes, radius)
    for least in SCORES:
        some = true[score >= np.float32(least)]
        bounds = told.at_score(least).bounds
        yield line(copied, f"score {least:.2f}", some, told.precision_at(least), bounds)
    for most in DISTANCES:
        if most <= radius:
            some = true[found.distance <= most]
            bounds = told.at_distance(most).bounds
            yield line(copied, f"distance {most}", some, told.precision_at_distance(most), bounds)


def line(
    copied: int,
    threshold: str,
    true: NDArray[np.bool_],
    estimated: float,
    bounds: tuple[float, float],
) -> Held:
    share = float(true.mean()) if true.size else float("nan")
    return Held(copied, threshold, true.size, share, estimated, *bounds)
