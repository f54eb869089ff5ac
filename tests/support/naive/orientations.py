"""The eight orientations of an array."""

import numpy as np

from fastphash.base.orientations import STEPS

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


def orient_thumbnails(both):
    """The eight oriented thumbnails in canonical order: (..., 2, 32, 32) to (..., 8, 32, 32).

    `both` are the thumbnails of an image and of the transposed image.
    """
    turned = []
    for transposed, rows, columns in STEPS:
        source = both[..., int(transposed), :, :]
        turned.append(source[..., :: -1 if rows else 1, :: -1 if columns else 1])
    return np.stack(turned, axis=-3)
