"""How many of the near pairs of images are copies, told from the images at hand."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.defaults import CALIBRATED_PAIRS
from fastphash.errors import TooManyPairsError
from fastphash.hashing.phash import hash_orientations
from fastphash.joins.chance import expected_pairs, proposing_radius
from fastphash.joins.index import Index, collapse
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.relation import Matches, concatenated
from fastphash.report.svg import Panel
from fastphash.store.rows import HashTable
from fastphash.verify.similarity import similarity

#: Scores whose shares are listed.
SHOWN = [0.0, *(at / 20 for at in range(5, 20))]

# scores that hardly a copy is below, and up to which most pairs are chance where any are
_BAND = (0.25, 0.45)
# among 3,000 tiles, 10,000 crops and drawn pages without copies scores fell off at 9 to 25
_LEAST_RATE = 9.0
_USUAL_RATE = 13.0
# by how much, as a logarithm, the model was off where the truth is known
_MODEL = 0.3
# where few pairs were seen, as if so many more had been that fall off at the usual rate
_SUPPOSED = 5
# distances are taken together until they have so many decoys
_DECOYS = 30
# images that are joined with all others, of each of so many pairs, and negatives hashed, at once
_NEEDLES = 20_000
_PAIRS = 1 << 17
_HASHED = 1 << 10
_SCORES = np.arange(100) / 100
_TWO_SIDED = 0.025, 0.975
_DEVIATIONS = 1.96

Pixels = Callable[[NDArray[np.int64]], NDArray[np.uint8]]


class Scored(NamedTuple):
    """Pairs, each with its distance and score.

    Attributes
    ----------
    distance : uint8 (n,)
    score : float32 (n,)
        As `fastphash.verify.similarity.similarity` gives it; NaN without thumbnails.
    """

    distance: NDArray[np.uint8]
    score: NDArray[np.float32]


class Estimate(NamedTuple):
    """Of the pairs at a threshold, how many are there by chance, with bounds of 95 %."""

    pairs: int
    chance: float
    least: float
    most: float

    @property
    def precision(self) -> float:
        """The share of copies; NaN where there are no pairs."""
        return _share(self.pairs, self.chance)

    def as_json(self) -> dict[str, Any]:
        """Its figures; null for shares of no pairs."""
        least, most = self.bounds
        shares = {"precision": self.precision, "least": least, "most": most}
        known = {name: None if math.isnan(share) else share for name, share in shares.items()}
        return {"pairs": self.pairs, "chance": self.chance, **known}

    def surely(self, precision: float) -> bool:
        """Whether so large a share are copies even with one chance pair more than expected."""
        return _share(self.pairs, self.chance + 1) >= precision

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest share of copies that these counts allow."""
        return _share(self.pairs, self.most), _share(self.pairs, self.least)


class Tail(NamedTuple):
    """Chance pairs with scores from 0.25 + x up: ``chance * exp(-rate * x)``.

    Attributes
    ----------
    chance, rate : float
    seen : int
        Pairs that this was told from.
    spread : float
        Standard deviation of the rate.
    """

    chance: float
    rate: float
    seen: int
    spread: float


@dataclass(frozen=True)
class Calibration:
    """How many pairs there are within a radius, and how many of them by chance.

    Attributes
    ----------
    radius : int
    pairs : Scored
        Of images.
    decoys : Scored
        Of an image and the negative of another.
    chance : float64 (65,)
        Pairs that are near by chance, by distance.
    tail : Tail, optional
        None without thumbnails.

    Notes
    -----
    What is assumed. Hardly a copy scores less than 0.25, so that all pairs that do are chance.
    From there up the scores of chance pairs fall off exponentially, at the rate seen from 0.25 to
    0.45, where copies are still few, but no slower than they were seen to in any images without
    copies. At each distance the chance pairs from 0.25 up relate to those below as they do among
    decoys, but for a factor. Images that resemble each other for a reason, such as frames of a
    film, are no chance: by their scores they are copies.

    Decoys alone, as false matches of spectra are counted (Elias and Gygi, 2007), tell too little
    chance: real pictures, of one place for instance, are alike in detail more often than one and
    the negative of another. Where the truth was known there were a fifth to four fifths as many
    with scores from 0.3 up, and with halves swapped instead of inverted a tenth to a half.
    """

    radius: int
    pairs: Scored
    decoys: Scored
    chance: NDArray[np.float64]
    tail: Tail | None

    def at_distance(self, distance: int) -> Estimate:
        """Of the pairs up to a distance, whatever their score."""
        chance = float(self.chance[: distance + 1].sum())
        number = int((self.pairs.distance <= distance).sum())
        return Estimate(number, chance, *_bounds(chance, _MODEL))

    def at_score(self, score: float) -> Estimate:
        """Of the pairs with at least a score."""
        if self.tail is None:
            return Estimate(0, 0.0, 0.0, 0.0)
        scores = self.pairs.score
        number = int((scores >= score).sum())
        beyond = max(score - _BAND[0], 0.0)
        chance = self.tail.chance * math.exp(-self.tail.rate * beyond)
        chance += number - int((scores >= max(score, _BAND[0])).sum())
        seen = max(self.tail.seen, 1)
        spread = math.hypot(_MODEL, 1 / math.sqrt(seen), self.tail.spread * beyond)
        return Estimate(number, chance, *_bounds(chance, spread))

    def precision_at(self, score: float) -> float:
        """The estimated share of copies among pairs with at least a score; no lower for more."""
        return _best(self.at_score(at).precision for at in (*_SCORES[score > _SCORES], score))

    def precision_at_distance(self, distance: int) -> float:
        """The estimated share of copies among pairs up to a distance; no lower for less."""
        return _best(
            self.at_distance(d).precision
            for d in range(min(distance, self.radius), self.radius + 1)
        )

    def min_score(self, precision: float) -> float | None:
        """The least score, in hundredths, at which so large a share are copies, if any.

        With one chance pair more than expected, so that a few pairs alone prove nothing.
        """
        for score in _SCORES.tolist():
            if self.at_score(score).surely(precision):
                return float(score)
        return None

    def max_distance(self, precision: float) -> int | None:
        """The greatest distance up to which so large a share are copies, if any; as above."""
        for distance in range(self.radius, -1, -1):
            if self.at_distance(distance).surely(precision):
                return distance
        return None

    def radius_for(self, score: float) -> int:
        """The least even radius that has 99 of 100 of all pairs with at least this score."""
        found = np.sort(self.pairs.distance[self.pairs.score >= score])
        if not found.size:
            return self.radius
        furthest = int(found[math.ceil(found.size * 0.99) - 1])
        return min(furthest + furthest % 2, self.radius)


def estimate(
    thumbnails: NDArray[np.uint8] | None,
    hashes: NDArray[np.uint64],
    radius: int,
    *,
    max_pairs: int = CALIBRATED_PAIRS,
) -> Calibration:
    """Estimate how many pairs of images are near by chance; copies need not be known.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024) or None
        Without them, distances alone tell.
    hashes : uint64 (n,), (n, 1) or (n, 8)
        Of all different images: equal ones are best left out.
    radius : int
    max_pairs : int
        Where there are more, fewer images are joined with all others.

    Raises
    ------
    UsageError
        Hashes of another dtype or shape.
    TooManyPairsError
        A single image has more.
    """
    index = Index(hashes)
    pixels = None if thumbnails is None else thumbnails.__getitem__
    return _estimate(index, pixels, radius, max_pairs, JoinOptions(), no_progress)[0]


class Calibrated(NamedTuple):
    """What a store was found to hold.

    Attributes
    ----------
    calibration : Calibration
    images : int
    identical, equal : int
        Images left out, since others have the same bytes, or the same hashes and thumbnail.
    needles : int
        Images, of those left, that were joined with all of those left.
    """

    calibration: Calibration
    images: int
    identical: int
    equal: int
    needles: int

    def summary(self, precision: float) -> dict[str, Any]:
        """All figures, with what is recommended for a share of copies, as JSON has them."""
        found = self.calibration
        min_score = found.min_score(precision)
        scored = found.tail is not None
        return {
            "images": self.images,
            "identical": self.identical,
            "equal": self.equal,
            "needles": self.needles,
            "radius": found.radius,
            "pairs": int(found.pairs.distance.size),
            "decoys": int(found.decoys.distance.size),
            "scores": [{"score": at, **found.at_score(at).as_json()} for at in SHOWN * scored],
            "distances": [
                {"distance": at, **found.at_distance(at).as_json()}
                for at in range(found.radius % 2, found.radius + 1, 2)
            ],
            "recommended": {
                "precision": precision,
                "min_score": min_score,
                "radius": None if min_score is None else found.radius_for(min_score),
                "unseen_radius": found.max_distance(precision),
            },
        }

    def panels(self, precision: float) -> list[Panel]:
        """The share of copies by score and by distance, as curves."""
        found = self.calibration
        made = []
        if found.tail is not None and found.pairs.score.size:
            scores = [at for at in _SCORES.tolist() if found.at_score(at).pairs]
            ticks, mark = np.arange(6) / 5, found.min_score(precision)
            title, across = "Copies among pairs, by score", "score at least"
            made.append(_panel(title, across, scores, found.at_score, ticks.tolist(), mark))
        distances = [at for at in range(found.radius + 1) if found.at_distance(at).pairs]
        if distances:
            longest = max(found.radius, 1)
            ticks = np.unique(np.linspace(0, longest, min(longest, 4) + 1).astype(np.int64))
            title, across = "Copies among pairs, by distance alone", "bits at most"
            mark = found.max_distance(precision)
            made.append(_panel(title, across, distances, found.at_distance, ticks.tolist(), mark))
        return made


def _panel(
    title: str,
    across: str,
    at: list[Any],
    estimate_at: Callable[[Any], Estimate],
    ticks: list[float],
    mark: float | None,
) -> Panel:
    estimates = [estimate_at(threshold) for threshold in at]
    least, most = zip(*(found.bounds for found in estimates), strict=True)
    precisions = [found.precision for found in estimates]
    return Panel(title, across, at, precisions, least, most, ticks, mark)


def calibrate(
    rows: HashTable,
    radius: int | None = None,
    *,
    max_pairs: int = CALIBRATED_PAIRS,
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> Calibrated:
    """Estimate how many of the near pairs in a store are copies, and how many are chance.

    Parameters
    ----------
    rows : HashTable
    radius : int, optional
        By default what `proposing_radius` says.
    max_pairs : int
        Where there are more, fewer images are joined with all others.

    Raises
    ------
    TooManyPairsError
        A single image has more.
    """
    distinct = rows if rows.digests is None else rows.take(collapse(rows.digests).first)
    different = _different(distinct)
    index = Index(different.phashes, different.known)
    if radius is None:
        radius = proposing_radius(index)
    pixels = partial(_stored_pixels, different) if different.has_thumbnails else None
    found, needles = _estimate(index, pixels, radius, max_pairs, options or JoinOptions(), progress)
    left_out = len(rows) - len(distinct), len(distinct) - len(different)
    return Calibrated(found, len(rows), *left_out, needles)


def _different(rows: HashTable) -> HashTable:
    """One row of each that have equal hashes and thumbnails, as far as these are known."""
    classes = collapse(rows.phashes)
    if not rows.has_thumbnails:
        return rows.take(classes.first)
    shared = np.bincount(classes.of_row, minlength=1)[classes.of_row] > 1
    alone, some = np.flatnonzero(~shared), np.flatnonzero(shared)
    # thumbnails of these rows only are read
    firsts = collapse(rows.phashes[some], _stored_pixels(rows, some)).first
    return rows.take(np.sort(np.concatenate([alone, some[firsts]])))


def _stored_pixels(rows: HashTable, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
    pixels = rows.take(chosen).thumbnails
    assert pixels is not None
    return pixels


def _estimate(
    index: Index,
    pixels: Pixels | None,
    radius: int,
    max_pairs: int,
    options: JoinOptions,
    progress: Progress,
) -> tuple[Calibration, int]:
    many = min(len(index), _NEEDLES)
    while True:
        needles = np.unique(np.linspace(0, max(len(index) - 1, 0), many).astype(np.int64))
        try:
            pairs = _near(index.take(needles), needles, index, radius, max_pairs, options)
            if pixels is None:
                return _by_hashes(index, needles, pairs, radius), many
            negatives = _negatives(pixels, needles, index)
            decoys = _near(negatives, needles, index, radius, max_pairs, options)
            break
        except TooManyPairsError:
            if many <= 1:
                raise
            many = max(many // 4, 1)
    scored = _scored(pairs, pixels, np.uint8(0), partial(progress, "looking at pairs"))
    false = _scored(decoys, pixels, np.uint8(255), partial(progress, "looking at decoys"))
    tail = find_tail(scored.score)
    return Calibration(radius, scored, false, _chance(scored, false, tail), tail), many


def _near(
    left: Index,
    needles: NDArray[np.int64],
    index: Index,
    radius: int,
    max_pairs: int,
    options: JoinOptions,
) -> Matches:
    """Pairs of a needle, whose hash or negative's is in `left`, and another row, once each."""
    kept, total = [], 0
    is_needle = np.zeros(len(index), np.bool_)
    is_needle[needles] = True
    # each pair of needles comes twice, and each needle with itself
    limit = 2 * max_pairs + needles.size
    try:
        for block in matches(left, index, radius, max_pairs=limit, options=options):
            rows = needles[block.left]
            once = np.where(is_needle[block.right], rows < block.right, rows != block.right)
            kept.append(block._replace(left=rows).take(once))
            total += kept[-1].left.size
            if total > max_pairs:
                break
    except TooManyPairsError as error:
        total = math.ceil((error.pairs - needles.size) / 2)
    if total > max_pairs:
        raise TooManyPairsError(total, max_pairs, "a smaller --radius")
    return concatenated(kept)


def _negatives(pixels: Pixels, needles: NDArray[np.int64], index: Index) -> Index:
    hashes = np.empty((needles.size, index.hashes.shape[1]), np.uint64)
    for start in range(0, needles.size, _HASHED):
        part = slice(start, start + _HASHED)
        upright = (255 - pixels(needles[part])).reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        both = np.stack([upright, upright.transpose(0, 2, 1)], axis=1)
        hashes[part] = hash_orientations(both)[:, : hashes.shape[1]]
    return Index(hashes, index.known)


def _scored(
    found: Matches, pixels: Pixels, flip: np.uint8, advance: Callable[[int, int], None]
) -> Scored:
    """Scores of pairs, the left one's pixels combined with `flip`: 255 makes negatives."""
    score = np.empty(found.left.size, np.float32)
    for start in range(0, score.size, _PAIRS):
        advance(start, score.size)
        part = slice(start, start + _PAIRS)
        left, ours = np.unique(found.left[part], return_inverse=True)
        right, theirs = np.unique(found.right[part], return_inverse=True)
        alike = similarity(pixels(left) ^ flip, ours, pixels(right), theirs, found.mask[part])
        score[part] = alike.score
    return Scored(found.distance, score)


def _chance(pairs: Scored, decoys: Scored, tail: Tail) -> NDArray[np.float64]:
    """Chance pairs by distance: those that score low, and those of the tail as decoys have them."""
    low, low_decoys, all_decoys = (
        np.bincount(distances, minlength=65).astype(np.float64)
        for distances in (
            pairs.distance[pairs.score < _BAND[0]],
            decoys.distance[decoys.score < _BAND[0]],
            decoys.distance,
        )
    )
    together = ((np.cumsum(all_decoys) - all_decoys) // _DECOYS).astype(np.int64)
    share = (np.bincount(together, low_decoys) + 1) / (np.bincount(together, all_decoys) + 1)
    high = low * (1 / share[together] - 1)
    return low + high * (tail.chance / max(float(high.sum()), 1.0))


def find_tail(scores: NDArray[np.float32]) -> Tail:
    """How the scores, float32 (n,), of chance pairs fall off, from those between 0.25 and 0.45.

    The maximum likelihood of a falling exponential that is cut off where the band ends.
    """
    from scipy.optimize import brentq

    start, width = _BAND[0], _BAND[1] - _BAND[0]
    inside = scores[(scores >= start) & (scores < _BAND[1])].astype(np.float64) - start
    seen = inside.size + _SUPPOSED
    mean = (inside.sum() + _SUPPOSED * _cut_mean(_USUAL_RATE, width)) / seen
    rate = _LEAST_RATE
    if mean < _cut_mean(_LEAST_RATE, width):
        rate = float(brentq(lambda at: _cut_mean(at, width) - mean, _LEAST_RATE, 1e6))
    grown = math.exp(min(rate * width, 500.0))
    variance = 1 / rate**2 - width**2 * grown / (grown - 1) ** 2
    spread = 1 / math.sqrt(seen * variance)
    return Tail(inside.size / (1 - 1 / grown), rate, inside.size, spread)


def _cut_mean(rate: float, width: float) -> float:
    """The mean of an exponential distribution that is cut off at `width`."""
    return 1 / rate - width / math.expm1(min(rate * width, 500.0))


def _by_hashes(
    index: Index, needles: NDArray[np.int64], pairs: Matches, radius: int
) -> Calibration:
    """What distances alone tell."""
    others = max(len(index) - 1, 1)
    compared = needles.size * others - needles.size * (needles.size - 1) / 2
    chance = expected_pairs(index) / others * compared
    unknown = np.full(pairs.distance.size, np.nan, np.float32)
    none = Scored(np.empty(0, np.uint8), np.empty(0, np.float32))
    return Calibration(radius, Scored(pairs.distance, unknown), none, chance, None)


def _share(pairs: int, chance: float) -> float:
    return max(1 - chance / pairs, 0.0) if pairs else math.nan


def _best(precisions: Iterable[float]) -> float:
    known = [precision for precision in precisions if not math.isnan(precision)]
    return max(known, default=math.nan)


def _bounds(chance: float, spread: float) -> tuple[float, float]:
    """Between which numbers chance pairs are, where so many are expected (Garwood, 1936).

    `spread` is the standard deviation of the logarithm of what is expected.
    """
    from scipy.special import gammaincinv

    off = math.exp(_DEVIATIONS * min(spread, 10.0))
    may_be_none = math.exp(-chance / off) > _TWO_SIDED[0]
    least = 0.0 if may_be_none else float(gammaincinv(chance / off, _TWO_SIDED[0]))
    return least, float(gammaincinv(chance * off + 1, _TWO_SIDED[1]))
