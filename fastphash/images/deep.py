"""Images that are rendered: of more than 8 bits, of bands that Pillow has no mode for, nodata."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from fastphash.errors import ImageError
from fastphash.images.depth import colour_depth, is_grey_with_alpha, read_low_bytes
from fastphash.images.pillow import allowed_pixels, open_image
from fastphash.images.rendering import Raster, Rendered, Rendering, choose_bands, render
from fastphash.images.samples import Samples, deep_samples, grey_alpha_samples
from fastphash.images.tiff import fix_planar_tiff
from fastphash.images.tiff_header import NODATA_TAG, TiffFacts, declared_nodata, tiff_facts
from fastphash.images.tifffile_raster import TiffRaster, read_tiff

Open = Callable[[], ImageFile.ImageFile]

# modes of Pillow with one band in full depth
_DEEP_MODES = ("I", "F")
_COLOURS = {"L": 1, "LA": 2, "RGB": 3, "RGBX": 4, "RGBA": 4}


class Opened(NamedTuple):
    """An image by Pillow, or the raster of a TIFF that Pillow can't read; one of them is None."""

    image: ImageFile.ImageFile | None
    tiff: TiffRaster | None
    facts: TiffFacts | None


def open_for_rendering(
    data: bytes, name: str, rendering: Rendering | None, most: float | None = None
) -> Opened:
    """Open an image of a known format by whatever reads it right.

    Parameters
    ----------
    data : bytes
    name : str
        Pillow's name of the format.
    rendering : Rendering or None
        None leaves everything to Pillow.
    most : float, optional
        Pixels of the largest image that is read whole here; by default as this process allows.

    Raises
    ------
    ImageError
        As of `fastphash.images.pillow.open_image`, and of `read_tiff`.
    """
    if rendering is None or name != "TIFF":
        return Opened(open_image(data, name), None, None)
    facts = tiff_facts(data)
    if facts is None:
        return Opened(open_image(data, name), None, None)
    if facts.pillow_reads(rendering):
        try:
            return Opened(open_image(data, name), None, facts)
        except ImageError:
            if not facts.has_plain_bands:
                raise
    most = allowed_pixels() if most is None else most
    return Opened(None, read_tiff(data, facts, rendering, most), facts)


def render_deep(
    image: ImageFile.ImageFile, data: bytes, rendering: Rendering | None, facts: TiffFacts | None
) -> Rendered | None:
    """The 8-bit pixels of an image that Pillow has opened; None if Pillow's own will do.

    Loads the image. Without a rendering, Pillow's own always do.
    """
    if rendering is None:
        return None
    fix_planar_tiff(image)
    depth = colour_depth(image, data)
    asked = facts is not None and facts.shows_values and rendering.is_asked_for
    if is_single_deep(image):
        image.load()
        bands = _single_values(image, facts)[..., None]
    elif depth == "high bytes" and image.mode in _COLOURS:
        reopen = partial(open_image, data, str(image.format))
        bands = _all_values(_low_and_high(image, reopen))
    elif asked and depth == "whole" and facts and _COLOURS.get(image.mode) == facts.bands:
        image.load()
        values = np.asarray(image)
        bands = values if values.ndim == 3 else values[..., None]
    else:
        return None
    return render(_raster(bands, rendering, facts), rendering)


def render_image(image: Image.Image, rendering: Rendering | None) -> Rendered | None:
    """The 8-bit pixels of a picture of Pillow's with one deep band; None if it is another.

    Raises
    ------
    ImageError
        Pillow would read it wrongly.
    """
    if rendering is None or not is_single_deep(image):
        return None
    facts, nodata = None, None
    if isinstance(image, TiffImageFile):
        nodata = declared_nodata(image.tag_v2.get(NODATA_TAG))
        facts = _facts_of(image) if image.fp is not None else None
    fix_planar_tiff(image)
    raster = _raster(_single_values(image, facts)[..., None], rendering, facts)
    return render(raster._replace(nodata=nodata), rendering)


def _facts_of(image: TiffImageFile) -> TiffFacts | None:
    """What the file says that an image is opened from and not loaded yet."""
    file = image.fp
    assert file is not None
    place = file.tell()
    file.seek(0)
    facts = tiff_facts(file.read())
    file.seek(place)
    if facts is not None and not facts.pillow_reads(Rendering()):
        raise ImageError("decode", f"Pillow can't read {facts.describe()} right: give the file")
    return facts


def is_single_deep(image: Image.Image) -> bool:
    """Whether an image has one band of more than 8 bits."""
    return image.mode in _DEEP_MODES or image.mode.startswith("I;16")


def _single_values(image: Image.Image, facts: TiffFacts | None) -> NDArray[Any]:
    values = np.asarray(image)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if facts is not None and facts.formats == {1} and facts.bits == (32,) and image.mode == "I":
        return values.view(np.uint32)  # Pillow takes them for signed ones
    return values


def _low_and_high(image: ImageFile.ImageFile, reopen: Open) -> Samples:
    low = reopen()
    grey_alpha = is_grey_with_alpha(low)
    read_low_bytes(low)
    low.load()
    if grey_alpha:
        image.load()
        return grey_alpha_samples(low)
    image.load()
    return deep_samples(image, low)


def _all_values(samples: Samples) -> NDArray[Any]:
    return np.concatenate(list(samples.strips()))


def _raster(bands: NDArray[Any], rendering: Rendering, facts: TiffFacts | None) -> Raster:
    """The chosen bands of all of an image, (h, w, n). Only of a TIFF are they chosen, and alpha
    a mask: other formats have colours.
    """
    if facts is None:
        chosen = choose_bands(Rendering(), bands.shape[2])
        return Raster([bands[..., band] for band in chosen])
    chosen = choose_bands(rendering, facts.bands)
    alpha = facts.alpha if facts.is_deep else None
    masked = alpha is not None and alpha not in chosen and alpha < bands.shape[2]
    valid = bands[..., alpha] != 0 if masked else None
    return Raster([bands[..., band] for band in chosen], valid, facts.nodata)
