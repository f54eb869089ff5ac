"""Whether two pictures of one frame differ in their colours as two things do, or as two copies do.

Light, lamps and fading change all colours by one simple rule. Filters, swapped channels and turned
hues change them by any rule: it is believed where several clearly different hues follow it, so that
those at hand foretell the others. A thing in another colour, on its ground, follows none.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import DIFFERENT, FADED, SAME, SWAPPED
from fastphash.looks.colour_samples import (
    CHROMA,
    COLOURED,
    LUMA,
    NEUTRALS,
    Samples,
    are_several,
    classify,
    lengths_of,
    settled_pixels,
)
from fastphash.looks.tones import LEVELS, Tone, fit_tones

_Floats = NDArray[np.float64]

# a class follows a rule if so many of its pixels do, to so many levels and this share of the change
_FOLLOWING, _LEVELS, _SHARE = 0.75, 9.0, 0.2
# levels of chroma: neutral pixels that changed by no more stayed as they were; greys have a tint
_STAYED, _TINT = 6.0, 4.0
# hues that follow a rule so that it is believed
_LEAST_HUES = 2
# the median hue turns by more where channels are swapped: degrees
_TURNED = 50.0
# powers of levels that are tried, and the most that levels are multiplied, moved and tinted by
_POWERS = (1.0, 0.85, 1.18, 0.7, 1.4, 0.5, 2.0)
_GAINS, _MOST_MOVE, _MOST_TINT = (0.5, 2.0), 60.0, 20.0
# colours that lost more of their strength were faded: then light may not change as much as that
_FADED_SHARE, _MOST_FADED_LIGHT = 0.7, 10.0
# levels of grey by which a rule may miss, and a lightness may change where there are few others
_LIGHT, _MOST_LIGHT, _LIGHTNESSES = 14.0, 68.0, 5


class ColourLook(NamedTuple):
    """How the colours of two pictures relate.

    Attributes
    ----------
    colour : int
        SAME; FADED by light, a lamp, fading or a filter; SWAPPED channels, or all hues turned; or
        DIFFERENT.
    sure : bool
        Whether a part of the picture stayed as it is, so that other colours are no filter's.
    """

    colour: int
    sure: bool = True


def look_at_colours(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> ColourLook:
    """Tell how the colours of two pictures of one frame relate.

    Parameters
    ----------
    left, right : uint8 (h, w) or (h, w, 3)
        Grey or RGB, of one size, such as `fastphash.looks.pictures.match_sizes` gives.
    """
    ours, theirs = settled_pixels(left, right)
    if not len(ours):
        return ColourLook(SAME, sure=False)
    both = Samples.of(ours, theirs), Samples.of(theirs, ours)
    if not all(len(one.ours) for one in both):
        return ColourLook(SAME, sure=False)
    if any(_is_simple(one) for one in both):
        return ColourLook(FADED if any(map(_is_fainter, both)) else SAME)
    for one in both:
        if _is_toned(one):
            return ColourLook(FADED)
    for one in both:
        if _follows_one_rule(one):
            return ColourLook(SWAPPED if _turns_hues(one) else FADED)
    return ColourLook(DIFFERENT, sure=any(map(_something_stayed, both)))


def _follow(predicted: _Floats, theirs: _Floats, moved: _Floats) -> NDArray[np.bool_]:
    """Which pixels have the chroma that a rule predicts."""
    missed = lengths_of((np.clip(predicted, 0, LEVELS - 1) - theirs) @ CHROMA.T)
    result: NDArray[np.bool_] = missed <= _LEVELS + _SHARE * moved
    return result


def _all_follow(samples: Samples, follow: NDArray[np.bool_]) -> bool:
    """Whether each class does."""
    return all(follow[samples.classes == one].mean() >= _FOLLOWING for one in samples.present)


def _is_simple(samples: Samples) -> bool:
    """Whether light, contrast, one lamp and fading explain all classes."""
    ours, theirs = samples.ours, samples.theirs
    light = (theirs - ours) @ LUMA
    occupied = np.unique((ours @ LUMA).astype(int) // 32).size
    for power in _POWERS:
        levels = (LEVELS - 1) * (ours / (LEVELS - 1)) ** power
        predicted, gain, share, offset = _fit_fading(levels, theirs)
        tint = np.abs(offset - offset.mean()).max()
        if not (_GAINS[0] <= gain <= _GAINS[1] and -0.05 <= share <= 2) or tint > _MOST_TINT:
            continue
        if np.abs(offset.mean()) > _MOST_MOVE:
            continue
        follow = _follow(predicted, theirs, np.zeros(len(ours)))
        missed = np.abs((np.clip(predicted, 0, LEVELS - 1) - theirs) @ LUMA)
        follow &= missed <= _LIGHT
        if not _all_follow(samples, follow):
            continue
        changes = [abs(np.median(light[samples.classes == one])) for one in samples.present]
        if share < _FADED_SHARE:
            known, most = are_several(samples.hues), _MOST_FADED_LIGHT
        else:
            known, most = occupied >= _LIGHTNESSES, _MOST_LIGHT
        if known or min(changes) > _STAYED or max(changes) <= most:
            return True
    return False


def _fit_fading(levels: _Floats, theirs: _Floats) -> tuple[_Floats, float, float, _Floats]:
    """``gain * (grey + share * (levels - grey)) + offset`` of the least absolute errors.

    Returns
    -------
    predicted : float64 (n, 3)
    gain, share : float
    offset : float64 (3,)
    """
    grey = np.repeat((levels @ LUMA)[:, None], 3, axis=1)
    channel = np.tile(np.eye(3), (len(levels), 1))
    x = np.column_stack((grey.reshape(-1), (levels - grey).reshape(-1), channel))
    y = theirs.reshape(-1)
    clipped = (y >= LEVELS - 4) | (y <= 3)
    pull = np.ones(y.size)
    found = np.zeros(5)
    ridge = np.diag((1e-3, 1e-3, 1e-6, 1e-6, 1e-6)) * len(x)
    # towards no change
    start = np.array([1.0, 1.0, 0, 0, 0])
    for _ in range(6):
        weighted = x.T * pull
        found = start + np.linalg.solve(weighted @ x + ridge, weighted @ (y - x @ start))
        predicted = x @ found
        beyond = clipped & ((predicted >= LEVELS - 4) == (y >= LEVELS - 4))
        beyond &= (predicted >= LEVELS - 4) | (predicted <= 3)
        pull = np.where(beyond, 1e-6, 1 / np.maximum(np.abs(predicted - y), 2))
    gain = float(found[0])
    return predicted.reshape(-1, 3), gain, float(found[1]) / max(gain, 1e-6), found[2:]


def _is_fainter(samples: Samples) -> bool:
    """Whether colours lost strength, or neutral ones got a tint."""
    moved, classes = samples.moved, samples.classes
    strength = lengths_of(samples.ours @ CHROMA.T)
    weaker = lengths_of(samples.theirs @ CHROMA.T) < _FADED_SHARE * strength
    return any(
        np.median(moved[classes == one]) > _STAYED
        and (one < NEUTRALS or weaker[classes == one].mean() > 0.5)
        for one in samples.present
    )


def _is_toned(samples: Samples) -> bool:
    """Whether the other picture has one hue, which its greys have too, as of sepia."""
    tint = samples.theirs @ CHROMA.T
    strength = lengths_of(tint)
    # black has no tint
    greys = [one for one in samples.present if 0 < one < NEUTRALS]
    if not greys or min(np.median(strength[samples.classes == one]) for one in greys) < _TINT:
        return False
    mean = tint.sum(axis=0)
    mean /= max(np.hypot(*mean), 1e-9)
    beside = np.abs(tint[:, 0] * mean[1] - tint[:, 1] * mean[0])
    one_hue = (beside <= _LEVELS / 2 + _SHARE * strength) & (tint @ mean >= -_STAYED)
    # its colours go by its lightness alone
    lightness = samples.theirs @ LUMA
    knots = np.quantile(lightness, np.linspace(0, 1, 9))
    of_knot = np.clip(np.searchsorted(knots, lightness) - 1, 0, 7)
    for one in range(8):
        own = of_knot == one
        if own.any():
            one_hue[own] &= np.abs(strength[own] - np.median(strength[own])) <= _LEVELS
    return _all_follow(samples, one_hue)


def _follows_one_rule(samples: Samples) -> bool:
    """Whether clearly different hues foretell one another, and all pixels follow one rule."""
    hues = samples.hues
    if not are_several(hues):
        return False
    for rule in _rules(samples, np.ones(len(samples.ours), np.bool_)):
        if _all_follow(samples, _follow(rule, samples.theirs, samples.moved)):
            break
    else:
        return False
    foretold = [hue for hue in hues if _is_foretold(samples, hue)]
    changed = [
        hue for hue in foretold if np.median(samples.moved[samples.classes == hue]) > _STAYED
    ]
    apart = any(are_several([one, other]) for one in changed for other in foretold)
    return apart and len(foretold) >= max(_LEAST_HUES, len(hues) / 2)


def _is_foretold(samples: Samples, hue: int) -> bool:
    """Whether a rule of the hues clearly different from one, and of greys, predicts that one."""
    own = samples.classes == hue
    others = [one for one in samples.hues if are_several([one, hue])]
    if not others:
        return False
    far = np.isin(samples.classes, [*range(NEUTRALS), *others])
    return any(
        _follow(rule[own], samples.theirs[own], samples.moved[own]).mean() >= _FOLLOWING
        for rule in _rules(samples, far)
    )


def _rules(samples: Samples, known: NDArray[np.bool_]) -> Iterator[_Floats]:
    """What rules that fit the known pixels make of all pixels: float64 (n, 3)."""
    pixels = np.rint(np.clip(samples.ours, 0, LEVELS - 1)).astype(np.uint8)
    others = np.rint(np.clip(samples.theirs, 0, LEVELS - 1)).astype(np.uint8)
    # as pictures of one column, in an order that has every class everywhere
    order = np.random.default_rng(0).permutation(np.flatnonzero(known))
    for tone in fit_tones(pixels[order, None], others[order, None]):
        yield _apply(tone, pixels)


def _apply(tone: Tone, pixels: NDArray[np.uint8]) -> _Floats:
    mixed = np.clip(pixels @ tone.mix[:, :3].T + tone.mix[:, 3], 0, LEVELS - 1)
    places = np.rint(mixed).astype(np.int64)
    result: _Floats = np.stack([tone.curves[c][places[:, c]] for c in range(3)], axis=1)
    return result.astype(np.float64)


def _turns_hues(samples: Samples) -> bool:
    """Whether most hues turned, and several are left."""
    ours, theirs = samples.ours @ CHROMA.T, samples.theirs @ CHROMA.T
    both = (lengths_of(ours) >= COLOURED) & (lengths_of(theirs) >= COLOURED)
    if not both.any():
        return False
    across = ours[both, 0] * theirs[both, 1] - ours[both, 1] * theirs[both, 0]
    angles = np.abs(np.degrees(np.arctan2(across, (ours[both] * theirs[both]).sum(axis=1))))
    left = np.unique(classify(samples.theirs[both])).tolist()
    return bool(np.median(angles) >= _TURNED) and are_several(left)


def _something_stayed(samples: Samples) -> bool:
    """Whether a class of pixels kept its colours and its light."""
    light = np.abs((samples.theirs - samples.ours) @ LUMA)
    stayed = (samples.moved <= _STAYED) & (light <= _MOST_FADED_LIGHT)
    return any(stayed[samples.classes == one].mean() >= _FOLLOWING for one in samples.present)
