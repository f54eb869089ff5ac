"""Which rows have a thumbnail that is no evidence."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.mapped import bring_rows, is_mapped
from fastphash.kernels.flatness import find_flat
from fastphash.store.content import Content

# thumbnails that are in memory at once
_AT_ONCE = 1 << 15


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
        flat[some] = _flat_places(content, content.places(some))
    if content.evidence is not None:
        place = content.evidence.equalised.place
        chosen = np.flatnonzero(looked_at & (place >= 0))
        flat[chosen] |= flat_thumbnails(content.evidence.equalised.pixels, place[chosen])
    return flat


def _flat_places(content: Content, places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the thumbnails at these places are flat; of those in a file this is remembered."""
    assert content.thumbnails is not None
    known = content.pixel_keys
    if known is None or not is_mapped(content.thumbnails):
        return flat_thumbnails(content.thumbnails, places)
    if known.flat is None:
        known.flat = np.full(len(content.thumbnails), -1, np.int8)
    unknown = np.unique(places[known.flat[places] < 0])
    if unknown.size:
        known.flat[unknown] = flat_thumbnails(*bring_rows(content.thumbnails, unknown))
    flat: NDArray[np.bool_] = known.flat[places] == 1
    return flat


def flat_thumbnails(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Whether the thumbnails (n, p) of these rows, or of all, are flat but for a few pixels."""
    rows = np.arange(len(thumbnails)) if rows is None else rows
    flat = np.empty(rows.size, np.bool_)
    find_flat(np.ascontiguousarray(thumbnails), rows, flat)
    return flat
