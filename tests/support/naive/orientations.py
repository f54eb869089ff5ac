"""The eight orientations of an array."""

import numpy as np

INVERSE = (0, 3, 2, 1, 4, 5, 6, 7)
TURNS = (
    lambda a: a,
    lambda a: np.rot90(a, 1),
    lambda a: np.rot90(a, 2),
    lambda a: np.rot90(a, 3),
    lambda a: a[:, ::-1],
    lambda a: a[::-1],
    lambda a: a.T,
    lambda a: np.rot90(a, 2).T,
)
