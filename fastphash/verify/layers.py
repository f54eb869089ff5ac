"""Whether two images agree in what their hashes leave out: alpha, further frames, depth."""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.contact_sheet import sheet_indices, tiles_along_side
from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels.agreement import compare_pairs
from fastphash.store.evidence import Layer, RowEvidence
from fastphash.verify.flatness import flat_thumbnails
from fastphash.verify.similarity import similarity

_PIXELS = THUMBNAIL_SIDE * THUMBNAIL_SIDE
_OPAQUE = 255
_UPRIGHT = np.uint8(1)


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

        Images of an unknown number of frames don't agree with any other. Nor do flat sheets of
        further frames: any two look alike.
        """
        frames = self.left.frames, self.right.frames
        agrees: NDArray[np.bool_] = (frames[0] == frames[1]) & (frames[0] > 0)
        for layer in self._layers(orientation):
            agrees[layer.pair] &= _agree(layer.left, layer.right)
            if layer.needs_contrast:
                agrees[layer.pair] &= ~layer.flat
        one_sided = (self.left.equalised.place < 0) != (self.right.equalised.place < 0)
        agrees &= ~one_sided
        return agrees

    def scores(self, orientation: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The least score of any layer that both images have, float32 (k,); 1 where none is."""
        scores = np.ones(self.pair.size, np.float32)
        for layer in self._layers(orientation):
            compared = np.flatnonzero(~layer.flat & ~_agree(layer.left, layer.right))
            rows = np.arange(compared.size)
            mask = np.full(compared.size, _UPRIGHT)
            left, right = layer.left[compared], layer.right[compared]
            found = similarity(left, rows, right, rows, mask).score
            pairs = layer.pair[compared]
            scores[pairs] = np.minimum(scores[pairs], found)
        return scores

    def _layers(self, orientation: NDArray[np.uint8]) -> "list[_OrientedLayer]":
        """The layers that can be compared, the left ones turned into the frame of the right."""
        left, right = self.left, self.right
        one_or_both = np.flatnonzero((left.alpha.place >= 0) | (right.alpha.place >= 0))
        layers = [
            _oriented(left.alpha, right.alpha, one_or_both, orientation, tiles=1),
            _oriented(
                left.equalised,
                right.equalised,
                _in_both(left.equalised, right.equalised),
                orientation,
                tiles=1,
            ),
        ]
        both = _in_both(left.further_frames, right.further_frames)
        sheets = [
            np.array([tiles_along_side(frames - 1) for frames in side.frames[both].tolist()], int)
            for side in (left, right)
        ]
        for tiles in (1, 2, 4):
            chosen = both[(sheets[0] == tiles) & (sheets[1] == tiles)]
            sheet = _oriented(
                left.further_frames, right.further_frames, chosen, orientation, tiles=tiles
            )
            layers.append(sheet._replace(needs_contrast=True))
        return [layer for layer in layers if layer.pair.size]


class _OrientedLayer(NamedTuple):
    """One layer of some pairs.

    Attributes
    ----------
    pair : int64 (m,)
        The number of each pair among the layered ones.
    left, right : uint8 (m, 1024)
    flat : bool (m,)
        Whether either is flat.
    needs_contrast : bool
        Whether flat ones don't agree.
    """

    pair: NDArray[np.int64]
    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    flat: NDArray[np.bool_]
    needs_contrast: bool = False


def _oriented(
    left: Layer,
    right: Layer,
    pair: NDArray[np.int64],
    orientation: NDArray[np.uint8],
    *,
    tiles: int,
) -> _OrientedLayer:
    indices = _indices(tiles)[orientation[pair]]
    turned = np.take_along_axis(_pixels(left, pair), indices, axis=1)
    still = _pixels(right, pair)
    return _OrientedLayer(pair, turned, still, flat_thumbnails(turned) | flat_thumbnails(still))


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


def _agree(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
    size = len(left)
    rows, mask = np.arange(size), np.full(size, _UPRIGHT)
    agrees, first, score = np.empty(size, np.bool_), np.empty(size, np.uint8), np.empty(size, "f4")
    compare_pairs(left, rows, right, rows, mask, orientation_indices(), agrees, first, score)
    return agrees


@functools.cache
def _indices(tiles: int) -> NDArray[np.int64]:
    return sheet_indices(tiles).astype(np.int64)
