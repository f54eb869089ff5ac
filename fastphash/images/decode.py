"""Image bytes to grey pixels and chroma: ordinary JPEGs by libjpeg-turbo, all else by Pillow."""

import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import ImageError
from fastphash.images.decode_jpeg import decode_jpeg, reduction
from fastphash.images.deep import open_for_rendering, render_deep
from fastphash.images.evidence import (
    Evidence,
    Frame,
    array_evidence,
    loaded_depth,
    pillow_evidence,
    raster_evidence,
)
from fastphash.images.jpeg_header import JPEG_END, scan_start
from fastphash.images.pillow import (
    EXIF_TURNS,
    TURNED_FORMATS,
    allowed_pixels,
    describe_bomb,
    describe_error,
    exif_orientation,
    open_image,
    turn_image,
)
from fastphash.images.pixels import (
    array_chroma,
    array_grey,
    pillow_chroma,
    pillow_grey,
    pillow_pixels,
)
from fastphash.images.rendering import Rendered, Rendering, render
from fastphash.images.sniff import SNIFFED, sniff
from fastphash.images.tiff_header import TiffFacts
from fastphash.images.tifffile_raster import TiffRaster

DecodeMode = Literal["full", "reduced"]
_PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True, slots=True)
class Decoding:
    """How bytes become grey pixels.

    Attributes
    ----------
    mode : {"full", "reduced"}
        All of Pillow's pixels, or JPEGs decoded straight to grey at a reduced scale.
    exif : bool
        Turn the image by its EXIF orientation, which ImageHash doesn't.
    strict_imagehash : bool
        Let Pillow clip 16-bit and float pixels to 0..255 instead of scaling them.
    max_pixels : int, optional
        Refuse images of more pixels, judged by their headers. Pillow has a limit of its own.
    rendering : Rendering, optional
        How more than 8 bits, and bands that Pillow has no mode for, become 8-bit pixels. None for
        the rule of older stores: one band of Pillow's is scaled by its least and greatest value.
    """

    mode: DecodeMode = "full"
    exif: bool = False
    strict_imagehash: bool = False
    max_pixels: int | None = None
    rendering: Rendering | None = field(default_factory=Rendering)

    def __post_init__(self) -> None:
        if self.strict_imagehash:
            object.__setattr__(self, "rendering", None)


@dataclass(frozen=True, slots=True)
class Decoded:
    """One image in grey, and its colours.

    Attributes
    ----------
    grey : uint8 (h, w)
    extent : (float, float)
        Columns and rows of `grey` that the image covers: all of them, or slightly less where a
        reduction left part of a pixel at the right or lower edge.
    format : str
        Pillow's name of it.
    width, height : int
        Pixels before any reduction.
    multiframe : bool
        Whether this is the first of several frames or pages.
    chroma : int8 (2, 8, 8) or None
        Means of Cb - 128 and Cr - 128 (ITU-R 601 in full range, as in JPEG) over equal cells of
        `grey`, -127 to 127; zeros for an image without colour. None if unknown: a reduced JPEG is
        decoded to grey alone. None, too, if it wasn't asked for.
    evidence : Evidence or None
        What the hash leaves out; None unless it was asked for.
    pixels : uint8 (h, w) or (h, w, 3), or None
        What `grey` was made from: in RGB, or `grey` itself for an image without colour; None unless
        it was asked for.
    """

    grey: NDArray[np.uint8]
    extent: tuple[float, float]
    format: str
    width: int
    height: int
    multiframe: bool = False
    chroma: NDArray[np.int8] | None = None
    evidence: Evidence | None = None
    pixels: NDArray[np.uint8] | None = None


class _Wanted(NamedTuple):
    """What of an image is wanted beside its grey pixels: fields of `Decoded`."""

    chroma: bool
    evidence: bool
    pixels: bool


def decode(
    data: bytes,
    rules: Decoding,
    *,
    chroma: bool = True,
    with_evidence: bool = False,
    with_pixels: bool = False,
) -> Decoded:
    """Decode the first frame of an image to grey and, unless told otherwise, chroma.

    Pillow decodes or refuses all images but ordinary JPEGs without any damage. `with_evidence` also
    looks at what the hash leaves out: alpha, further frames, depth. `with_pixels` keeps colours.

    Raises
    ------
    ImageError
        The bytes aren't an image of a supported format, or are damaged.
    """
    if not data:
        raise ImageError("identify", "the file is empty")
    name = sniff(data[:SNIFFED])
    if name is None:
        raise ImageError("identify", "not an image of a supported format")
    chroma = chroma and not (rules.mode == "reduced" and name == "JPEG")
    wanted = _Wanted(chroma, with_evidence, with_pixels)
    if name == "JPEG" and not rules.exif:
        decoded = _decode_ordinary_jpeg(data, rules, wanted)
        if decoded:
            return decoded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode_pillow(data, name, rules, wanted)


def _decode_ordinary_jpeg(data: bytes, rules: Decoding, wanted: _Wanted) -> Decoded | None:
    reduced = rules.mode == "reduced"
    jpeg = decode_jpeg(data, reduced=reduced, max_pixels=rules.max_pixels)
    if jpeg is None:
        return None
    pixels, width, height, factor = jpeg
    extent = (width / factor, height / factor)
    evidence = None
    if wanted.evidence:
        evidence = Evidence(frames=1) if reduced else array_evidence(pixels, data)
    return Decoded(
        array_grey(pixels),
        extent,
        "JPEG",
        width,
        height,
        chroma=array_chroma(pixels) if wanted.chroma else None,
        evidence=evidence,
        pixels=pixels if wanted.pixels else None,
    )


def _decode_pillow(data: bytes, name: str, rules: Decoding, wanted: _Wanted) -> Decoded:
    most = allowed_pixels(rules.max_pixels)
    image, raster, facts = open_for_rendering(data, name, rules.rendering, most)
    if image is None:
        assert raster is not None
        assert facts is not None
        return _decode_raster(raster, facts, rules, wanted)
    width, height = image.size
    if width * height > most:
        raise ImageError("identify", describe_bomb(most))
    factor = 1
    reduced = rules.mode == "reduced" and name == "JPEG"
    try:
        multiframe = bool(getattr(image, "is_animated", False))
        is_turned = not rules.exif or name in TURNED_FORMATS
        turn = 1 if is_turned else exif_orientation(image, data)
        if reduced and image.mode in ("RGB", "L"):
            factor = reduction(width, height) if turn == 1 else 1
            image.draft("L", (width // factor, height // factor))
        depth = loaded_depth(image, data)
        rendered = render_deep(image, data, rules.rendering, facts)
        if rendered is None:
            grey = pillow_grey(image, strict_imagehash=rules.strict_imagehash)
            colours = pillow_chroma(image) if wanted.chroma else None
            pixels = pillow_pixels(image, grey) if wanted.pixels else None
        else:
            grey = array_grey(rendered.pixels)
            colours = array_chroma(rendered.pixels) if wanted.chroma else None
            pixels = rendered.pixels if wanted.pixels else None
    except ImageError:
        raise
    except Exception as error:
        raise ImageError("decode", describe_error(error)) from error
    if not _has_end(data, name):
        raise ImageError("decode", f"the file is cut short: the end of a {name} is missing")
    if turn in EXIF_TURNS:
        grey = np.ascontiguousarray(EXIF_TURNS[turn](grey))
        if colours is not None:
            colours = np.stack([EXIF_TURNS[turn](plane) for plane in colours])
        if pixels is not None:
            pixels = np.ascontiguousarray(EXIF_TURNS[turn](pixels))
        if turn >= 5:
            width, height = height, width
    evidence = None
    if wanted.evidence:
        evidence = (
            Evidence(frames=1)
            if reduced
            else pillow_evidence(
                Frame(image, depth),
                data,
                partial(open_image, data, name),
                grey,
                partial(turn_image, value=turn),
                _turned_values(rendered, turn),
            )
        )
    extent = (width / factor, height / factor)
    return Decoded(grey, extent, name, width, height, multiframe, colours, evidence, pixels)


def _turned_values(rendered: Rendered | None, turn: int) -> NDArray[np.float64] | None:
    if rendered is None or rendered.values is None or turn not in EXIF_TURNS:
        return None if rendered is None else rendered.values
    return np.ascontiguousarray(EXIF_TURNS[turn](rendered.values))


def _decode_raster(tiff: TiffRaster, facts: TiffFacts, rules: Decoding, wanted: _Wanted) -> Decoded:
    assert rules.rendering is not None
    pixels, values = render(tiff.raster, rules.rendering)
    grey = array_grey(pixels)
    height, width = grey.shape
    evidence = None
    if wanted.evidence:
        evidence = raster_evidence(tiff.samples, grey, values, facts.further_pages)
    return Decoded(
        grey,
        (float(width), float(height)),
        "TIFF",
        width,
        height,
        facts.further_pages > 0,
        array_chroma(pixels) if wanted.chroma else None,
        evidence,
        pixels if wanted.pixels else None,
    )


def _has_end(data: bytes, name: str) -> bool:
    """Whether a JPEG or PNG has its end marker; Pillow doesn't always notice when it is missing."""
    if name == "JPEG":
        return data.find(JPEG_END, scan_start(data)) >= 0
    return name != "PNG" or _PNG_END in data
