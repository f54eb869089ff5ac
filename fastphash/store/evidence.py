"""What must agree of two rows besides their thumbnails: alpha, further frames, depth, pixels."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE

_LAYER_BYTES = THUMBNAIL_SIDE * THUMBNAIL_SIDE


class Layer(NamedTuple):
    """Thumbnails that few rows have.

    Attributes
    ----------
    place : int64 (n,)
        Which of `pixels` a row has; -1 for none.
    pixels : uint8 (k, 1024)
    """

    place: NDArray[np.int64]
    pixels: NDArray[np.uint8]

    @classmethod
    def empty(cls, rows: int) -> "Layer":
        """A layer that no row has."""
        # one number, however many rows
        place = np.broadcast_to(np.array(-1), rows)
        return cls(place, np.empty((0, _LAYER_BYTES), np.uint8))

    @classmethod
    def from_values(cls, values: list[bytes | None]) -> "Layer":
        """The layer of rows with these thumbnails; those of another size count as none."""
        known = [i for i, value in enumerate(values) if value and len(value) == _LAYER_BYTES]
        if not known:
            return cls.empty(len(values))
        place = np.full(len(values), -1)
        place[known] = np.arange(len(known))
        pixels = b"".join(values[i] or b"" for i in known)
        return cls(place, np.frombuffer(pixels, np.uint8).reshape(-1, _LAYER_BYTES))

    def take(self, rows: NDArray[np.int64]) -> "Layer":
        """The layer of these rows, in this order."""
        return self._replace(place=self.place[rows])

    def to_column(self) -> pa.Array:
        """A binary column, null for rows without."""
        return pa.array(
            [None if place < 0 else self.pixels[place].tobytes() for place in self.place.tolist()],
            pa.binary(),
        )


class RowEvidence(NamedTuple):
    """What the hashes of some rows leave out.

    Attributes
    ----------
    pixel_digests : uint64 (n, 2)
        XXH3-128 of all decoded samples; zeros if unknown.
    frames : int32 (n,)
        Frames or pages; 0 if there are several and their number is unknown.
    alpha, further_frames, equalised : Layer
    """

    pixel_digests: NDArray[np.uint64]
    frames: NDArray[np.int32]
    alpha: Layer
    further_frames: Layer
    equalised: Layer

    @property
    def layers(self) -> tuple[Layer, Layer, Layer]:
        """Alpha, further frames and equalised."""
        return self.alpha, self.further_frames, self.equalised

    def take(self, rows: NDArray[np.int64]) -> "RowEvidence":
        """The evidence of these rows, in this order."""
        layers = (layer.take(rows) for layer in self.layers)
        return RowEvidence(self.pixel_digests[rows], self.frames[rows], *layers)

    @property
    def pixels_known(self) -> NDArray[np.bool_]:
        """Whether the digest of a row's pixels is known, bool (n,)."""
        return np.asarray(self.pixel_digests.any(axis=1))

    def layer_keys(self) -> NDArray[np.uint64]:
        """Equal for rows of equal frames and layers, uint64 (n, 1)."""
        keys = self.frames.astype(np.uint64)
        for number, layer in enumerate(self.layers):
            digests = [
                xxhash.xxh3_64_intdigest(pixels.tobytes(), seed=number) for pixels in layer.pixels
            ]
            rows = np.flatnonzero(layer.place >= 0)
            keys[rows] ^= np.array(digests, np.uint64)[layer.place[rows]]
        return keys[:, None]
