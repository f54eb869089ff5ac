"""A contact sheet: the further frames of an image side by side, in the place of one thumbnail."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import THUMBNAIL_SIDE

#: Most further frames that have a tile each; of more than that, a tile is the mean of several.
MAX_TILES = 16


def tiles_along_side(further_frames: int) -> int:
    """Tiles along a side of the sheet: 1, 2 or 4; a tile shows one frame or the mean of several."""
    return 1 if further_frames <= 1 else 2 if further_frames <= 4 else 4


def contact_sheet(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The sheet, uint8 (32, 32), of the thumbnails (n, 32, 32) of n further frames.

    Tiles without a frame are 0.
    """
    tiles = tiles_along_side(len(thumbnails))
    side = THUMBNAIL_SIDE // tiles
    small = thumbnails.reshape(-1, side, tiles, side, tiles).mean(axis=(2, 4))
    sheet = np.zeros((tiles * tiles, side, side))
    for tile, frames in enumerate(np.array_split(small, tiles * tiles)):
        if len(frames):
            sheet[tile] = frames.mean(axis=0)
    rows = sheet.reshape(tiles, tiles, side, side).swapaxes(1, 2)
    return np.floor(rows.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE) + 0.5).astype(np.uint8)


def tile_indices(tiles: int, tile: int) -> NDArray[np.uint16]:
    """For each orientation, which pixel of a sheet each pixel of a tile comes from.

    The tile is turned, and enlarged to the size of a thumbnail: each of its pixels is repeated.
    With one tile it is `orientation_indices`.

    Parameters
    ----------
    tiles : int
        Tiles along a side of the sheet.
    tile : int
        Which one, row by row.

    Returns
    -------
    uint16 (8, 1024)
    """
    side = THUMBNAIL_SIDE // tiles
    y, x = (step * side for step in divmod(tile, tiles))
    sheet = np.arange(THUMBNAIL_SIDE**2, dtype=np.uint16).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    pixels = sheet[y : y + side, x : x + side].reshape(-1)
    turned = pixels[orientation_indices(side)].reshape(-1, side, side)
    return turned.repeat(tiles, axis=1).repeat(tiles, axis=2).reshape(-1, THUMBNAIL_SIDE**2)
