"""What some rows were taken from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Whole(NamedTuple):
    """What rows were taken from without those that are near no other one.

    Attributes
    ----------
    rows : int
        How many there are, with those that were left.
    numbers : int64 (n,)
        Which of them those are that were taken; they ascend.
    """

    rows: int
    numbers: NDArray[np.int64]
