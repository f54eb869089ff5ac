"""Whether two images agree in what their hashes leave out: alpha, further frames, depth."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.contact_sheet import MAX_TILES, tile_indices, tiles_along_side
from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels.agreement import compare_pairs
from fastphash.store.evidence import Layer, RowEvidence
from fastphash.verification.flatness import flat_thumbnails
from fastphash.verification.similarity import similarity

_PIXELS = THUMBNAIL_SIDE * THUMBNAIL_SIDE
_OPAQUE = 255
_UPRIGHT = np.uint8(1)
# tiles along a side, and which tile, of what is no sheet
_NO_TILE = (0, 0)
# So much do two tiles at least correlate that show one frame, by tiles along a side. The lines of
# text blur in small ones: different pages correlated with up to 0.94 and 0.989 in tiles of 16 and 8
# pixels, and frames saved again at quality 30 with 0.99 and 0.997.
_TILE_CORRELATION = {1: 0.0, 2: 0.98, 4: 0.995}

#: The highest score of a pair of which a layer differs, or can't be compared.
MAX_SCORE = 0.9


class LayeredPairs(NamedTuple):
    """Pairs of which one image at least has more than a thumbnail shows.

    Attributes
    ----------
    pair : int64 (k,)
        The number of each among all pairs.
    left, right : RowEvidence
        Of each pair.
    """

    pair: NDArray[np.int64]
    left: RowEvidence
    right: RowEvidence

    @classmethod
    def find(
        cls,
        left: RowEvidence,
        left_rows: NDArray[np.int64],
        right: RowEvidence,
        right_rows: NDArray[np.int64],
    ) -> "LayeredPairs":
        """Those among all pairs of rows."""
        pair = np.flatnonzero(_has_layers(left)[left_rows] | _has_layers(right)[right_rows])
        return cls(pair, left.take(left_rows[pair]), right.take(right_rows[pair]))

    def take(self, chosen: NDArray[np.int64]) -> "LayeredPairs":
        """The chosen ones."""
        return LayeredPairs(self.pair[chosen], self.left.take(chosen), self.right.take(chosen))

    def agree(self, orientation: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether all layers of each pair agree, as thumbnails do, in an orientation: bool (k,).

        Each further frame must agree by itself. Flat ones don't: any two look alike. Nor do images
        whose further frames have no tile each, or whose number of frames is unknown: only their
        pixels could show that they are copies.
        """
        frames = self.left.frames, self.right.frames
        agrees: NDArray[np.bool_] = (frames[0] == frames[1]) & _each_frame_shown(frames[0])
        agrees &= (self.left.equalised.place < 0) == (self.right.equalised.place < 0)
        for layer in self._layers(orientation):
            agrees[layer.pair] &= layer.agree()
        return agrees

    def scores(self, orientation: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The least score of any layer that both images have, float32 (k,).

        It is `MAX_SCORE` at most where the layers don't agree, and 1 where they do.
        """
        scores = np.where(self.agree(orientation), 1, MAX_SCORE).astype(np.float32)
        for layer in self._layers(orientation):
            compared = np.flatnonzero(~layer.flat & ~layer.agree())
            rows = np.arange(compared.size)
            mask = np.full(compared.size, _UPRIGHT)
            left, right = layer.left[compared], layer.right[compared]
            found = similarity(left, rows, right, rows, mask).score
            pairs = layer.pair[compared]
            scores[pairs] = np.minimum(scores[pairs], found)
        return scores

    def _layers(self, orientation: NDArray[np.uint8]) -> Iterator["_OrientedLayer"]:
        """The layers that can be compared, the left ones turned into the frame of the right.

        Each further frame is one.
        """
        left, right = self.left, self.right
        one_or_both = np.flatnonzero((left.alpha.place >= 0) | (right.alpha.place >= 0))
        if one_or_both.size:
            yield _oriented(left.alpha, right.alpha, one_or_both, orientation)
        both = _in_both(left.equalised, right.equalised)
        if both.size:
            yield _oriented(left.equalised, right.equalised, both, orientation)
        both = _in_both(left.further_frames, right.further_frames)
        for tile, chosen in _shared_tiles(left.frames[both], right.frames[both]):
            yield _oriented(
                left.further_frames, right.further_frames, both[chosen], orientation, tile
            )


class _OrientedLayer(NamedTuple):
    """One layer of some pairs.

    Attributes
    ----------
    pair : int64 (m,)
        The number of each pair among the layered ones.
    left, right : uint8 (m, 1024)
    flat : bool (m,)
        Whether either is flat.
    tiles : int
        Tiles along a side of the sheet that shows this frame; 0 for no further frame.
    """

    pair: NDArray[np.int64]
    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    flat: NDArray[np.bool_]
    tiles: int

    def agree(self) -> NDArray[np.bool_]:
        """Whether the two agree, bool (m,); flat frames don't."""
        agrees, correlation = _agreement(self.left, self.right)
        if self.tiles:
            agrees &= ~self.flat
            agrees &= correlation >= _TILE_CORRELATION[self.tiles]
        return agrees


def _oriented(
    left: Layer,
    right: Layer,
    pair: NDArray[np.int64],
    orientation: NDArray[np.uint8],
    tile: tuple[int, int] = _NO_TILE,
) -> _OrientedLayer:
    tiles = tile[0]
    still, turned = _indices(*tile)[[0]], _indices(*tile)[orientation[pair]]
    ours = np.take_along_axis(_pixels(left, pair), turned, axis=1)
    theirs = np.take_along_axis(_pixels(right, pair), still, axis=1)
    flat = _flat(ours, tiles) | _flat(theirs, tiles)
    return _OrientedLayer(pair, ours, theirs, flat, tiles)


def unproven_rows(evidence: RowEvidence) -> NDArray[np.bool_]:
    """Which rows have further frames that don't show whether two images are copies: bool (n,).

    Of these, some are flat, or have no tile of their own, or their number is unknown.
    """
    unproven = ~_each_frame_shown(evidence.frames)
    sheets = np.flatnonzero((evidence.further_frames.place >= 0) & ~unproven)
    frames = evidence.frames[sheets]
    for (tiles, tile), chosen in _shared_tiles(frames, frames):
        rows = sheets[chosen]
        pixels = _pixels(evidence.further_frames, rows)[:, _indices(tiles, tile)[0]]
        unproven[rows] |= _flat(pixels, tiles)
    return unproven


def _shared_tiles(
    left: NDArray[np.int32], right: NDArray[np.int32]
) -> Iterator[tuple[tuple[int, int], NDArray[np.int64]]]:
    """Each tile that shows a further frame, and the pairs, of so many frames, that both have it.

    A tile is given as the number of tiles along a side, and its place.
    """
    tiles, other_tiles = _tiles(left), _tiles(right)
    shared = np.where(tiles == other_tiles, np.minimum(left, right) - 1, 0)
    for tile in range(min(MAX_TILES, int(shared.max(initial=0)))):
        has_tile = tile < shared
        for side in np.unique(tiles[has_tile]).tolist():
            yield (side, tile), np.flatnonzero(has_tile & (tiles == side))


def _flat(pixels: NDArray[np.uint8], tiles: int) -> NDArray[np.bool_]:
    """Whether thumbnails (m, 1024), or enlarged tiles, are flat but for a few pixels."""
    step = max(tiles, 1)
    shown = pixels.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)[:, ::step, ::step]
    return flat_thumbnails(shown.reshape(-1, (THUMBNAIL_SIDE // step) ** 2))


def _pixels(layer: Layer, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Thumbnails of these rows; without one, an image is opaque."""
    pixels = np.full((rows.size, _PIXELS), _OPAQUE, np.uint8)
    place = layer.place[rows]
    pixels[place >= 0] = layer.pixels[place[place >= 0]]
    return pixels


def _in_both(left: Layer, right: Layer) -> NDArray[np.int64]:
    return np.flatnonzero((left.place >= 0) & (right.place >= 0))


def _has_layers(evidence: RowEvidence) -> NDArray[np.bool_]:
    special: NDArray[np.bool_] = evidence.frames != 1
    for layer in evidence.layers:
        special = special | (layer.place >= 0)
    return special


def _agreement(
    left: NDArray[np.uint8], right: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Whether thumbnails agree, and their correlation."""
    size = len(left)
    rows, mask = np.arange(size), np.full(size, _UPRIGHT)
    agrees, first = np.empty(size, np.bool_), np.empty(size, np.uint8)
    score = np.empty(size, np.float32)
    compare_pairs(left, rows, right, rows, mask, orientation_indices(), agrees, first, score)
    return agrees, score


def _tiles(frames: NDArray[np.int32]) -> NDArray[np.int64]:
    """Tiles along a side of the sheets of images with so many frames."""
    return np.array([tiles_along_side(further) for further in (frames - 1).tolist()], np.int64)


def _each_frame_shown(frames: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether each further frame of images with so many frames, 0 for unknown, has a tile."""
    return np.asarray((frames > 0) & (frames - 1 <= MAX_TILES))


@functools.cache
def _indices(tiles: int, tile: int) -> NDArray[np.int64]:
    return tile_indices(max(tiles, 1), tile).astype(np.int64)
