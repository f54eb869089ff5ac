"""What light, contrast, filters and conversions to grey make of a picture's colours."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

LEVELS = 256
# levels of one bin, and bins
_WIDTH = 4
_BINS = LEVELS // _WIDTH
# pixels that are sampled, about
_SAMPLE = 16_384
# pixels that are mixed, at most
_MIXED = 6_000
# Levels that few pixels have, or that lie in few of 8 x 8 cells, say nothing about the whole
# picture: they may belong to the place that differs.
_LEAST_SHARE, _LEAST_CELLS, _CELLS = 0.0003, 4, 8
# knots of a curve that are looked for, at least
_LEAST_KNOTS = 3
# from 0.35 to 2.8 in steps of a tenth, both ways from 1
_POWERS: _Floats = 1.1 ** np.arange(-11, 12, dtype=float)[:, None]
# levels outside of these may be clipped
_DARKEST, _LIGHTEST = 3, 252
_ROUNDS = 5
_RIDGE = np.diag((1e-3, 1e-3, 1e-3, 1e-5))


class Tone(NamedTuple):
    """Channels mixed, then curves.

    Attributes
    ----------
    mix : float32 (3, 4)
        From red, green, blue and 1 to each channel.
    curves : float32 (3, 256)
        From the levels of each channel to others.
    """

    mix: NDArray[np.float32]
    curves: NDArray[np.float32]

    @classmethod
    def of(cls, mix: _Floats, curves: _Floats) -> "Tone":
        """Of the same values in float32."""
        return cls(
            np.ascontiguousarray(mix, np.float32),
            np.ascontiguousarray(curves, np.float32),
        )


_UNMIXED = np.eye(3, 4)
_STRAIGHT = np.tile(np.arange(LEVELS, dtype=float), (3, 1))


class _Knots(NamedTuple):
    """Points of a curve: levels, the medians of the other picture's there, and their weight."""

    level: _Floats
    median: _Floats
    weight: _Floats


def fit_tones(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> Iterator[Tone]:
    """Tones that may lead from one picture, uint8 (h, w, 3), to another of that size.

    Each is fitted so that a place that differs has little weight: gain, offset and gamma for each
    channel; a rising curve through medians; mixed channels, clipped; mixed channels with a curve.
    """
    height, width = source.shape[:2]
    step = max(int((height * width / _SAMPLE) ** 0.5), 1)
    ours = source[::step, ::step]
    down, across = (np.arange(side) * _CELLS // side for side in ours.shape[:2])
    cell = (down[:, None] * _CELLS + across).reshape(-1)
    ours, theirs = ours.reshape(-1, 3), target[::step, ::step].reshape(-1, 3)
    knots = [_find_knots(ours[:, c], theirs[:, c], cell) for c in range(3)]
    if all(one.level.size > 1 for one in knots):
        yield Tone.of(_UNMIXED, np.array([_gamma_curve(one) for one in knots]))
        yield Tone.of(_UNMIXED, np.array([_rising_curve(one) for one in knots]))
    mix = _fit_mix(ours, theirs)
    yield Tone.of(mix, _STRAIGHT)
    mixed = np.rint(np.clip(ours @ mix[:, :3].T + mix[:, 3], 0, LEVELS - 1)).astype(np.uint8)
    knots = [_find_knots(mixed[:, c], theirs[:, c], cell) for c in range(3)]
    if all(one.level.size > 1 for one in knots):
        yield Tone.of(mix, np.array([_rising_curve(one) for one in knots]))


def _find_knots(
    ours: NDArray[np.uint8], theirs: NDArray[np.uint8], cell: NDArray[np.int64]
) -> _Knots:
    bins = ours.astype(np.int64) // _WIDTH
    joint = np.bincount(bins * LEVELS + theirs, minlength=_BINS * LEVELS).reshape(_BINS, LEVELS)
    count = joint.sum(1)
    cells = np.bincount(bins * _CELLS**2 + cell, minlength=_BINS * _CELLS**2)
    spread = (cells.reshape(_BINS, -1) > 0).sum(1)
    common = count >= max(_LEAST_SHARE * ours.size, _LEAST_CELLS)
    enough = common & (spread >= _LEAST_CELLS)
    if enough.sum() < _LEAST_KNOTS:
        # next to nothing is on the page: what there is must do
        enough = common if common.sum() >= _LEAST_KNOTS else count > 0
    median = (2 * np.cumsum(joint, 1) >= count[:, None]).argmax(1)
    level = np.bincount(bins, ours, _BINS) / np.maximum(count, 1)
    return _Knots(level[enough], median[enough].astype(float), count[enough].astype(float))


def _gamma_curve(knots: _Knots) -> _Floats:
    """``gain * level ** power + offset``, clipped, by the least absolute errors; all levels."""
    inside = (knots.median >= _DARKEST) & (knots.median <= _LIGHTEST)
    weight = np.sqrt(knots.weight)
    if inside.sum() > 1:
        weight = weight * inside
    x, y = (knots.level / (LEVELS - 1)) ** _POWERS, knots.median
    pull = np.tile(weight, (_POWERS.size, 1))
    for _ in range(_ROUNDS):
        total = pull.sum(1, keepdims=True)
        x_mean, y_mean = (pull * x).sum(1, keepdims=True) / total, (pull * y).sum(1, keepdims=True)
        y_mean /= total
        variance = np.maximum((pull * (x - x_mean) ** 2).sum(1, keepdims=True), 1e-9)
        gain = (pull * (x - x_mean) * (y - y_mean)).sum(1, keepdims=True) / variance
        offset = y_mean - gain * x_mean
        pull = weight / np.maximum(np.abs(gain * x + offset - y), 1)
    error = np.abs(np.clip(gain * x + offset, 0, LEVELS - 1) - y)
    # of powers that fit alike, the one nearest to 1
    far = 0.02 * np.abs(np.log(_POWERS[:, 0]))
    best = ((np.sqrt(knots.weight) * error).sum(1) / np.sqrt(knots.weight).sum() + far).argmin()
    levels = (np.arange(LEVELS) / (LEVELS - 1)) ** _POWERS[best]
    curve: _Floats = np.clip(gain[best] * levels + offset[best], 0, LEVELS - 1)
    return curve


def _rising_curve(knots: _Knots) -> _Floats:
    """The curve that never falls and is nearest to the knots, straight between them; all levels."""
    runs: list[tuple[float, float, int]] = []
    for median, weight in zip(knots.median.tolist(), knots.weight.tolist(), strict=True):
        mean, total, count = median, weight, 1
        while runs and runs[-1][0] > mean:
            last_mean, last_total, last_count = runs.pop()
            mean = (mean * total + last_mean * last_total) / (total + last_total)
            total, count = total + last_total, count + last_count
        runs.append((mean, total, count))
    heights = np.repeat([mean for mean, _, _ in runs], [count for _, _, count in runs])
    curve: _Floats = np.interp(np.arange(LEVELS), knots.level, heights)
    return curve


def _fit_mix(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> _Floats:
    """The mix (3, 4) of the least absolute errors, from pixels that weren't clipped."""
    # column by column: numpy takes ten times as long to reduce rows of three
    unclipped = [(column >= _DARKEST) & (column <= _LIGHTEST) for column in theirs.T]
    inside = np.flatnonzero(unclipped[0] & unclipped[1] & unclipped[2])
    if inside.size < _MIXED // 100:
        inside = np.arange(len(ours))
    inside = inside[:: max(inside.size // _MIXED, 1)]
    ours, theirs = ours[inside], theirs[inside]
    x: _Floats = np.column_stack((ours, np.ones(len(ours)))).astype(float)
    y = theirs.astype(float)
    pull: _Floats = np.ones(len(x))
    for _ in range(_ROUNDS):
        weighted: _Floats = (x * pull[:, None]).T
        mix = np.linalg.solve(weighted @ x + _RIDGE * len(x), weighted @ y)
        red, green, blue = np.abs(x @ mix - y).T
        pull = 1 / np.maximum(np.maximum(np.maximum(red, green), blue), 2)
    transposed: _Floats = mix.T
    return transposed
