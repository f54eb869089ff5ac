"""A contact sheet: the further frames of an image side by side, in the place of one thumbnail."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import THUMBNAIL_SIDE


def tiles_along_side(further_frames: int) -> int:
    """Tiles along a side of the sheet: 1, 2 or 4; a tile shows one frame or the mean of several."""
    return 1 if further_frames <= 1 else 2 if further_frames <= 4 else 4


def contact_sheet(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The sheet, uint8 (32, 32), of the thumbnails (n, 32, 32) of n further frames."""
    tiles = tiles_along_side(len(thumbnails))
    side = THUMBNAIL_SIDE // tiles
    small = thumbnails.reshape(-1, side, tiles, side, tiles).mean(axis=(2, 4))
    sheet = np.zeros((tiles * tiles, side, side))
    for tile, frames in enumerate(np.array_split(small, tiles * tiles)):
        if len(frames):
            sheet[tile] = frames.mean(axis=0)
    rows = sheet.reshape(tiles, tiles, side, side).swapaxes(1, 2)
    return np.floor(rows.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE) + 0.5).astype(np.uint8)


def sheet_indices(tiles: int) -> NDArray[np.uint16]:
    """For each orientation, which pixel of a sheet each pixel of the oriented sheet comes from.

    Every tile is turned in its place. With one tile it is `orientation_indices`.

    Returns
    -------
    uint16 (8, 1024)
    """
    side = THUMBNAIL_SIDE // tiles
    # pixels of the sheet by tile
    pixels = np.arange(THUMBNAIL_SIDE**2).reshape(tiles, side, tiles, side).swapaxes(1, 2)
    turned = pixels.reshape(tiles * tiles, -1)[:, orientation_indices(side)].swapaxes(0, 1)
    sheets = turned.reshape(-1, tiles, tiles, side, side).swapaxes(2, 3)
    return sheets.reshape(-1, THUMBNAIL_SIDE**2).astype(np.uint16)
