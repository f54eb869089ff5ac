"""phash of thumbnails that a store holds."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.hashing.phash import hash_orientations

# thumbnails hashed at once
_AT_ONCE = 1 << 10


def hash_stored_thumbnails(
    thumbnails: NDArray[np.uint8], *, orientations: bool = True
) -> NDArray[np.uint64]:
    """The phash of images with these thumbnails (n, 1024): uint64 (n, 8), or (n, 1) upright.

    Those of a transposed image are made from the transposed thumbnail, where hashing an image
    resizes it once more: a few bits may differ.
    """
    columns = 8 if orientations else 1
    hashes = np.empty((len(thumbnails), columns), np.uint64)
    for start in range(0, len(thumbnails), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        upright = thumbnails[part].reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        both = np.stack([upright, upright.transpose(0, 2, 1)], axis=1)
        hashes[part] = hash_orientations(both)[:, :columns]
    return hashes
