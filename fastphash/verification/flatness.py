"""Which rows have a thumbnail that is no evidence."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.mapped import let_go
from fastphash.kernels.flatness import find_flat
from fastphash.store.content import Content

# thumbnails that are looked at before their memory is given back
_AT_ONCE = 1 << 16


def flat_rows(content: Content, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
    """Whether a row's thumbnail, plain or by ranks, is flat but for a few pixels: bool (n,).

    Any two such thumbnails agree, so that only equal pixels show that two of these rows are copies.
    With `rows`, only these are looked at; the others are False.
    """
    assert content.thumbnails is not None
    looked_at = np.full(content.size, rows is None)
    looked_at[rows if rows is not None else ()] = True
    chosen = np.flatnonzero(looked_at)
    flat = np.zeros(looked_at.size, np.bool_)
    for start in range(0, chosen.size, _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        flat[some] = flat_thumbnails(content.thumbnails, content.places(some))
        if chosen.size > _AT_ONCE:
            let_go(content.thumbnails)
    if content.evidence is not None:
        place = content.evidence.equalised.place
        chosen = np.flatnonzero(looked_at & (place >= 0))
        flat[chosen] |= flat_thumbnails(content.evidence.equalised.pixels, place[chosen])
    return flat


def flat_thumbnails(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Whether the thumbnails (n, p) of these rows, or of all, are flat but for a few pixels."""
    rows = np.arange(len(thumbnails)) if rows is None else rows
    flat = np.empty(rows.size, np.bool_)
    find_flat(np.ascontiguousarray(thumbnails), rows, flat)
    return flat
