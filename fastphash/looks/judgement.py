"""What pixels say of pairs whose thumbnails leave a doubt: copies, no copies, or nothing."""

import numpy as np
from numpy.typing import NDArray

from fastphash.looks.aligned import ENOUGH_KEYPOINTS
from fastphash.looks.run import Looks

#: What a look at a pair in doubt settles: nothing, that it is a copy, or that it is none.
UNSETTLED, IS_COPY, IS_NO_COPY = range(3)

#: Scores of the pairs that leave a doubt: below, pixels are not worth a look; from the end on,
#: thumbnails are believed. Pictures on a plain ground reach 0.9 without being copies.
DOUBT_START, DOUBT_END = 0.2, 0.95

# Detail on less of the overlap than this is a thing on a plain ground. All of a kind look alike
# there, while pictures full of detail agree in thumbnails by chance only below DOUBT_START.
_PLAIN_GROUND = 0.82
# a pair on a plain ground is no copy if its detail correlates less than this, and a smaller share
# of its keypoints agrees: text and logos spoil the first, blur and noise the second
_LEAST_OF_COPIES, _LEAST_MATCHED = 0.95, 0.4
# a pair is a copy, whatever its thumbnails say, if its detail correlates so much
_ENOUGH = 0.9


def judge_doubts(looks: Looks, accused: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Judge pairs by their aligned detail: `UNSETTLED`, `IS_COPY` or `IS_NO_COPY`, uint8 (n,).

    Parameters
    ----------
    looks : Looks
        Of tasks with `aligned`.
    accused : bool (n,)
        Whether the thumbnails make a copy of each pair. Only such a pair can turn out to be none,
        and only another one a copy.
    """
    seen = looks.looked & (looks.keypoints >= ENOUGH_KEYPOINTS)
    plain = looks.covered < _PLAIN_GROUND
    agrees = (looks.correlation >= _LEAST_OF_COPIES) | (looks.matched >= _LEAST_MATCHED)
    other = plain & (looks.loose | ~agrees)
    verdict = np.full(accused.size, UNSETTLED, np.uint8)
    verdict[accused & seen & other] = IS_NO_COPY
    verdict[~accused & looks.looked & (looks.correlation >= _ENOUGH) & ~other] = IS_COPY
    return verdict
