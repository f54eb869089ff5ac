"""What pixels say of pairs whose thumbnails leave a doubt: copies, no copies, or nothing."""

import numpy as np
from numpy.typing import NDArray

from fastphash.looks.aligned import ENOUGH_KEYPOINTS
from fastphash.looks.run import Looks

#: What a look at a pair in doubt settles: nothing, that it is a copy, or that it is none.
UNSETTLED, IS_COPY, IS_NO_COPY = range(3)

#: Scores of the pairs that leave a doubt: below, pixels are not worth a look; from the end on,
#: thumbnails are believed.
DOUBT_START, DOUBT_END = 0.2, 0.75

# a copy by thumbnails is none if its detail, with keypoints enough, correlates less than this
_LEAST_OF_COPIES = 0.4
# a pair is a copy, whatever its thumbnails say, if its detail correlates so much
_ENOUGH = 0.5


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
    correlation = np.where(looks.looked, looks.correlation, np.nan)
    enough = looks.keypoints >= ENOUGH_KEYPOINTS
    verdict = np.full(accused.size, UNSETTLED, np.uint8)
    verdict[accused & enough & (correlation < _LEAST_OF_COPIES)] = IS_NO_COPY
    verdict[~accused & (correlation >= _ENOUGH)] = IS_COPY
    return verdict
