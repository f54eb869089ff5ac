"""The bands of TIFFs that Pillow can't read, or reads wrongly: by tifffile, strip by strip."""

import contextlib
import importlib.util
import io
import logging
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import ImageError
from fastphash.images.pillow import EXIF_TURNS, describe_bomb, describe_error
from fastphash.images.rendering import Raster, Rendering, choose_bands
from fastphash.images.samples import Samples
from fastphash.images.tiff_header import TiffFacts

# an image with more bytes of samples is read for its chosen bands alone
_ALL_BANDS = 1 << 28
# bytes of a decoded strip or tile, for each pixel that an image may have
_STRIP_SHARE = 8
_JPEGS = frozenset((6, 7, 34892, 33007))
_NEEDED = ("tifffile", "imagecodecs")


class TiffRaster(NamedTuple):
    """A TIFF as tifffile reads it, turned as it says.

    Attributes
    ----------
    raster : Raster
        The chosen bands.
    samples : Samples or None
        All bands; None if they are too large to be held at once.
    """

    raster: Raster
    samples: Samples | None


class _Read(NamedTuple):
    """Bands (h, w, n) of a page, and where they are stored at all: all over if that is None."""

    values: NDArray[Any]
    stored: NDArray[np.bool_] | None


def can_read_rasters() -> bool:
    """Whether tifffile and imagecodecs are installed: the extra ``geo``."""
    return all(importlib.util.find_spec(name) for name in _NEEDED)


def read_tiff(data: bytes, facts: TiffFacts, rendering: Rendering, most: float) -> TiffRaster:
    """Read a TIFF whose bands are grey or colours as they are.

    Parameters
    ----------
    data : bytes
    facts : TiffFacts
        Of these bytes.
    rendering : Rendering
        Which bands are wanted.
    most : float
        Pixels of the largest image that is read.

    Raises
    ------
    ImageError
        It is larger, has no such band or is damaged, its samples are of another kind, or tifffile
        isn't installed.
    """
    if facts.width * facts.height > most:
        raise ImageError("identify", describe_bomb(most))
    if not facts.has_plain_bands:
        raise ImageError("identify", f"a TIFF with {facts.describe()}: not supported")
    if not can_read_rasters():
        raise ImageError(
            "identify", f"a TIFF with {facts.describe()}: pip install 'fastphash[geo]'"
        )
    chosen = choose_bands(rendering, facts.bands)
    try:
        with _silent_tifffile():
            return _read(data, facts, chosen, most)
    except ImageError:
        raise
    except Exception as error:  # tifffile and its codecs raise whatever they trip over
        raise ImageError("decode", describe_error(error)) from error


def _read(data: bytes, facts: TiffFacts, chosen: tuple[int, ...], most: float) -> TiffRaster:
    import tifffile

    page: Any
    alpha = None if facts.alpha in chosen else facts.alpha
    with tifffile.TiffFile(io.BytesIO(data), _multifile=False) as file:
        page = file.pages[0]
        _check_page(page, facts, most)
        size = facts.width * facts.height * facts.bands * page.dtype.itemsize
        wanted = tuple(sorted({*chosen, *([] if alpha is None else [alpha])}))
        kept = tuple(range(facts.bands)) if size <= _ALL_BANDS else wanted
        values, stored = _read_page(data, page, kept)
        masks = [stored] if stored is not None else []
        for number in facts.masks:
            mask = file.pages[number]
            _check_shape(mask, (facts.width, facts.height), most)
            masks.append(_read_page(data, mask, (0,)).values[..., 0] != 0)
    turn = EXIF_TURNS.get(facts.orientation)
    if turn:
        values, masks = np.ascontiguousarray(turn(values)), [turn(mask) for mask in masks]
    samples = _samples(values, facts, masks) if len(kept) == facts.bands else None
    if alpha is not None:
        masks = [*masks, values[..., kept.index(alpha)] != 0]
    valid = np.logical_and.reduce(masks) if masks else None
    bands = [values[..., kept.index(band)] for band in chosen]
    return TiffRaster(Raster(bands, valid, facts.nodata), samples)


def _check_page(page: Any, facts: TiffFacts, most: float) -> None:
    """Raise ImageError unless tifffile understands a page as its header was understood."""
    _check_shape(page, (facts.width, facts.height), most)
    separate, _, _, _, contiguous = page.shaped
    if separate * contiguous != facts.bands or page.dtype is None or page.dtype.kind not in "uif":
        raise ImageError("identify", f"a TIFF with {facts.describe()}: not supported")


def _check_shape(page: Any, size: tuple[int, int], most: float) -> None:
    """Raise ImageError for a page of another size, in volumes, or in huge or too few pieces."""
    depth, height, width = page.shaped[1:4]
    if (width, height) != size or depth != 1 or page.imagedepth != 1:
        raise ImageError("decode", "its size differs from that of its header")
    piece = math.prod(page.chunks) * max(page.bitspersample // 8, 1)
    if piece > _STRIP_SHARE * most:
        raise ImageError("identify", f"a strip or tile that takes {piece:,} bytes")
    pieces = math.prod(page.chunked)
    if not len(page.dataoffsets) == len(page.databytecounts) == pieces:
        found = len(page.dataoffsets)
        raise ImageError("decode", f"the file is damaged: {found} of {pieces} strips or tiles")


def _read_page(data: bytes, page: Any, kept: tuple[int, ...]) -> _Read:
    """The bands of a page that are kept, in native byte order."""
    planes, _, height, width, contiguous = page.shaped
    dtype = page.dtype.newbyteorder("=")
    values = np.zeros((height, width, len(kept)), np.uint8 if dtype.kind == "b" else dtype)
    stored = None
    tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
    options = tables if page.compression in _JPEGS else {}
    per_plane = math.prod(page.chunked) // planes
    for index, (offset, length) in enumerate(
        zip(page.dataoffsets, page.databytecounts, strict=True)
    ):
        if planes > 1 and index // per_plane not in kept:
            continue
        encoded = _piece(data, offset, length)
        piece, (plane, _, top, left, _), shape = page.decode(encoded, index, **options)
        rows, columns = slice(top, top + shape[1]), slice(left, left + shape[2])
        if piece is None:
            # what GDAL leaves out of a sparse file is no picture
            stored = np.ones((height, width), np.bool_) if stored is None else stored
            stored[rows, columns] = False
            continue
        piece = piece[0, : height - top, : width - left]
        if planes > 1:
            values[rows, columns, kept.index(plane)] = piece[..., 0]
        elif len(kept) == contiguous:
            values[rows, columns] = piece
        else:
            values[rows, columns] = piece[..., kept]
    return _Read(values, stored)


def _piece(data: bytes, offset: int, length: int) -> bytes | None:
    """The bytes of a strip or tile; None if it isn't stored."""
    if length == 0 or offset == 0:
        return None
    piece = data[offset : offset + length]
    if len(piece) < length:
        raise ImageError("decode", "the file is cut short: a strip or tile is missing")
    return piece


def _samples(values: NDArray[Any], facts: TiffFacts, masks: list[NDArray[np.bool_]]) -> Samples:
    """All bands of a TIFF; a mask is a band, too."""
    height, width, bands = values.shape
    mode = {1: "L", 3: "RGB"}.get(bands, f"{bands} bands")
    # alpha of other types is a band like others: nobody knows what is opaque
    has_alpha = values.dtype in (np.uint8, np.uint16) and facts.alpha == bands - 1
    if has_alpha and bands in (2, 4):
        mode = "LA" if bands == 2 else "RGBA"
    if masks:
        mode = f"{mode} and {len(masks)} masks"
        values = np.dstack([values, *(mask.astype(values.dtype) for mask in masks)])
    return Samples(width, height, mode, lambda: iter((values,)))


@contextlib.contextmanager
def _silent_tifffile() -> Iterator[None]:
    """What it logs it raises as well, or it is about metadata."""
    log = logging.getLogger("tifffile")
    before = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = before
