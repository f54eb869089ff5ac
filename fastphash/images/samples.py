"""The samples of one frame, in a form that all lossless encodings of the same pixels share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray
from PIL import Image

# samples of a strip
_STRIP = 1 << 22
_PALETTES = ("P", "PA")
_EXPANDED = {"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB"}
# luma of ITU-R 601, in 1/65536, as in Pillow's convert("L")
_LUMA = np.array((19595, 38470, 7471), np.uint32)


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one frame, read strip by strip.

    Attributes
    ----------
    width, height : int
    mode : str
        "L", "LA", "RGB", "RGBA" or another mode of Pillow.
    strips : callable
        Iterates over arrays (rows, width, bands) from top to bottom, all of one dtype.
    """

    width: int
    height: int
    mode: str
    strips: Callable[[], Iterator[NDArray[Any]]]

    @property
    def has_alpha(self) -> bool:
        """Whether the last band is alpha."""
        return self.mode in ("LA", "RGBA")

    def digest(self, *, opaque: bool) -> bytes:
        """XXH3-128 of size, kind and samples; grey is one band, however many it is stored in.

        Parameters
        ----------
        opaque : bool
            Leave alpha out.
        """
        mode, bands = self._kept_bands(opaque=opaque)
        digest = None
        for strip in self.strips():
            if digest is None:
                sample = f"{strip.dtype.kind}{strip.dtype.itemsize}"
                kind = f"{mode} {sample} {self.width} {self.height}"
                # a seed, because a beginning that isn't aligned makes it four times slower
                digest = xxhash.xxh3_128(seed=xxhash.xxh3_64_intdigest(kind.encode()))
            kept = strip if len(bands) == strip.shape[2] else strip[..., bands]
            digest.update(np.ascontiguousarray(kept).data)
        assert digest is not None
        return digest.digest()

    def _kept_bands(self, *, opaque: bool) -> tuple[str, list[int]]:
        """The mode with as few bands as hold the same pixels, and which bands these are."""
        if self.mode not in ("LA", "RGB", "RGBA"):
            return self.mode, list(range(len(next(self.strips())[0, 0])))
        is_grey = self.mode == "LA" or all(map(_is_grey, self.strips()))
        colours = [0] if is_grey else [0, 1, 2]
        alpha = [len(self.mode) - 1] if self.has_alpha and not opaque else []
        return ("L" if is_grey else "RGB") + "A" * len(alpha), colours + alpha

    def alpha(self) -> NDArray[np.uint8] | None:
        """Alpha, uint8 (h, w); None if there is none, or all of it is opaque."""
        if not self.has_alpha:
            return None
        alpha = np.concatenate([strip[..., -1] for strip in self.strips()])
        if (alpha == np.iinfo(alpha.dtype).max).all():
            return None
        return alpha if alpha.dtype == np.uint8 else (alpha >> 8).astype(np.uint8)

    def luma(self) -> NDArray[Any]:
        """Grey (h, w) in the depth of the samples."""
        if self.mode not in ("RGB", "RGBA"):
            return np.concatenate([strip[..., 0] for strip in self.strips()])
        grey = [
            ((strip[..., :3].astype(np.uint32) @ _LUMA) >> np.uint32(16)).astype(strip.dtype)
            for strip in self.strips()
        ]
        return np.concatenate(grey)


def array_samples(pixels: NDArray[np.uint8]) -> Samples:
    """Of decoded pixels: grey (h, w) or RGB (h, w, 3)."""
    bands = pixels if pixels.ndim == 3 else pixels[..., None]
    height, width = pixels.shape[:2]
    return Samples(width, height, "RGB" if pixels.ndim == 3 else "L", lambda: iter((bands,)))


def pillow_samples(image: Image.Image) -> Samples:
    """Of a loaded image of Pillow."""
    mode = _sample_mode(image)

    def strips() -> Iterator[NDArray[Any]]:
        for strip in _crops(image):
            yield _bands(strip if strip.mode == mode else strip.convert(mode))

    # 16 bits in any byte order are grey
    return Samples(*image.size, "L" if mode.startswith("I;16") else mode, strips)


def deep_samples(high: Image.Image, low: Image.Image) -> Samples:
    """Of a loaded image of 16 bits, given its high bytes and its low bytes."""

    def strips() -> Iterator[NDArray[np.uint16]]:
        for above, below in zip(_crops(high), _crops(low), strict=True):
            yield _together(_bands(above), _bands(below))

    return Samples(*high.size, _EXPANDED.get(high.mode, high.mode), strips)


def grey_alpha_samples(both: Image.Image) -> Samples:
    """Of a loaded image whose four bands are the bytes of grey and of alpha, high bytes first."""

    def strips() -> Iterator[NDArray[np.uint16]]:
        for strip in _crops(both):
            values = _bands(strip)
            yield _together(values[..., ::2], values[..., 1::2])

    return Samples(*both.size, "LA", strips)


def _together(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    values = high.astype(np.uint16)
    values <<= np.uint16(8)
    values |= low
    return values


def _sample_mode(image: Image.Image) -> str:
    transparent = "transparency" in image.info
    if image.mode in _PALETTES:
        return "RGBA" if transparent or image.mode == "PA" else "RGB"
    if transparent and image.mode in ("1", "L", "RGB"):
        return "RGBA"
    return _EXPANDED.get(image.mode, image.mode)


def _crops(image: Image.Image) -> Iterator[Image.Image]:
    rows = max(_STRIP // (image.width * len(image.getbands())), 1)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _bands(image: Image.Image) -> NDArray[Any]:
    """Samples (h, w, bands) in native byte order."""
    values = np.asarray(image)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return values if values.ndim == 3 else values[..., None]


def _is_grey(strip: NDArray[Any]) -> bool:
    """Whether the first three bands are equal."""
    # most pictures in colour show it in a few samples
    for some in (strip[::31, ::17], strip):
        red = some[..., 0]
        if not ((red == some[..., 1]).all() and (red == some[..., 2]).all()):
            return False
    return True
