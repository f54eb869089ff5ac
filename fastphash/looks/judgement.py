"""What pixels say of pairs whose thumbnails leave a doubt: copies, no copies, or nothing."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import FADED, SAME, SWAPPED
from fastphash.looks.aligned import ENOUGH_KEYPOINTS
from fastphash.looks.table import Looks

#: What a look at a pair in doubt settles: nothing, that it is a copy, or that it is none.
UNSETTLED, IS_COPY, IS_NO_COPY = range(3)

#: Scores of the pairs that leave a doubt: below, pixels are not worth a look; from the end on,
#: thumbnails are believed. Pictures on a plain ground reach 0.9 without being copies.
DOUBT_START, DOUBT_END = 0.2, 0.95

# Detail on less of the overlap than this is a thing on a plain ground. All of a kind look alike
# there, while pictures full of detail agree in their thumbnails by chance only below DOUBT_START.
_PLAIN_GROUND = 0.7
# On a plain ground a pair is no copy if its detail correlates less than this, and smaller shares
# of its keypoints and of its places agree: text and logos spoil the first, blur and noise the rest.
# Of 1,060 accused pairs of other objects, drawn to choose on, two pass.
_LEAST_OF_COPIES, _LEAST_MATCHED, _LEAST_ALIKE = 0.96, 0.5, 0.92
# A thing that has moved a little on its ground is another shot of it, or a copy that was turned by
# a degree or cropped off its middle. Its place doesn't tell: it stays a copy if all detail agrees,
# or all places do and the keypoints as well. Of 19 accused pairs of two shots, drawn to choose on,
# none passes.
_ALL_DETAIL, _ALL_ALIKE = 0.97, 0.97
# shares of a side by which the edges of one frame may miss those of another
_EDGE = 0.01
# A pair is a copy, whatever its thumbnails say, if its detail correlates so much, and this share
# of its keypoints agrees, and this many do; on a plain ground it must show nothing else.
_ENOUGH, _ENOUGH_MATCHED, _ENOUGH_MATCHES = 0.85, 0.05, 10
# detail that agrees so well shows that pixels were aligned at all
_ALIGNED = 0.6
# One picture must show this share of the other: neighbours that overlap are no copies.
_LEAST_SHOWN = 0.5


def _area(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of pictures that windows cover, float32 (n,); NaN without a window."""
    area: NDArray[np.float32] = np.prod(window[:, 2:] - window[:, :2], axis=1)
    return area


def show_one_frame(looks: Looks) -> NDArray[np.bool_]:
    """Whether pixels show the same detail in the same frame, so that colours can be compared.

    bool (n,); `looks` are of tasks with `aligned`.
    """
    whole = np.array([0, 0, 1, 1], np.float32)
    apart = np.maximum(np.abs(looks.window - whole), np.abs(looks.other_window - whole))
    # NaN where pictures can't be aligned
    same: NDArray[np.bool_] = apart.max(axis=1) <= _EDGE
    return same & (looks.correlation >= _ALIGNED)


def judge_doubts(
    looks: Looks,
    accused: NDArray[np.bool_],
    recoloured: NDArray[np.bool_] | None = None,
    faded: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Judge pairs by their pixels: `UNSETTLED`, `IS_COPY` or `IS_NO_COPY`, uint8 (n,).

    Parameters
    ----------
    looks : Looks
        Of tasks with `aligned`.
    accused : bool (n,)
        Whether the thumbnails make a copy of each pair. Only such a pair can turn out to be none,
        and only another one a copy.
    recoloured : bool (n,), optional
        Pairs of alike thumbnails in different colours: they are copies if one rule explains all
        colours, and their detail doesn't show two things on a plain ground.
    faded : bool (n,), optional
        Near pairs whose frames are the same: they are no copies if their colours are surely
        different, whatever their detail says.
    """
    alike = looks.correlation >= _LEAST_OF_COPIES
    keypoints_match = looks.matched >= _LEAST_MATCHED
    matched = keypoints_match | (looks.alike >= _LEAST_ALIKE)
    plain = (looks.covered < _PLAIN_GROUND) & (looks.correlation != 0)
    all_agrees = (looks.correlation >= _ALL_DETAIL) & matched
    all_agrees |= (looks.alike >= _ALL_ALIKE) & keypoints_match
    none = plain & (~(alike | matched) | (looks.loose & ~all_agrees))
    enough = (looks.correlation >= _ENOUGH) & (looks.matched >= _ENOUGH_MATCHED)
    enough &= looks.matched * looks.keypoints >= _ENOUGH_MATCHES
    enough &= ~plain | (alike & matched & ~looks.loose)
    enough &= np.fmax(_area(looks.window), _area(looks.other_window)) >= _LEAST_SHOWN
    verdict = np.full(accused.size, UNSETTLED, np.uint8)
    verdict[accused & looks.looked & (looks.keypoints >= ENOUGH_KEYPOINTS) & none] = IS_NO_COPY
    verdict[~accused & looks.looked & enough] = IS_COPY
    if recoloured is not None:
        explained = looks.looked & np.isin(looks.colour, (SAME, FADED, SWAPPED))
        verdict[recoloured] = np.where(explained & ~none, IS_COPY, UNSETTLED)[recoloured]
    if faded is not None:
        verdict[faded & looks.looked & looks.recoloured] = IS_NO_COPY
    return verdict
