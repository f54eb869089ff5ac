"""Image bytes to grey pixels and back; the only user of Pillow and OpenCV."""

import io
import os
import struct
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from fastphash.errors import ImageError
from fastphash.words import CHROMA_SIDE, ORIENTATIONS

Mode = Literal["full", "reduced"]

#: How much of a file `sniff` looks at.
SNIFFED = 32

#: A reduced JPEG keeps at least this many pixels on its shorter side (see benchmarks/reduced.py).
REDUCED_SIDE = 128

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
)
_SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .tif .tiff .bmp .dib .gif .pbm .pgm .ppm .pnm "
    b".pfm .avif .avifs .heic .heif .jp2 .j2k .jpf .jpx .j2c .jpc .psd .tga .ico .svg .jxl .exr "
    b".dng .eps".split()
)
_AVIF_BRANDS = (b"avif", b"avis", b"mif1", b"msf1")
# of a JPEG: baseline, extended and progressive frames; tables, restart, application, comment
_FRAMES = frozenset((0xC0, 0xC1, 0xC2))
_USUAL_MARKERS = frozenset((*_FRAMES, 0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE))
_SCAN = 0xDA
_JPEG_END = b"\xff\xd9"
_PNG_END = b"IEND\xaeB`\x82"
_PNM_KINDS = frozenset(b"1 2 3 4 5 6 f F y".split())
# sizes of the header that follows a bitmap's first 14 bytes
_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))
# pixels that are in hand in a larger form than their image's
_AT_ONCE = 1 << 20
_SCALED_MODES = ("I", "F")  # and every I;16
_TIFF_BITS, _TIFF_PLANES, _TIFF_SAMPLE_FORMAT = 258, 284, 339
_EXIF_ORIENTATION = 0x0112
# the seven turns of pixels, as their names in canonical order say
_TURNS: tuple[Callable[[NDArray[np.uint8]], NDArray[np.uint8]], ...] = (
    np.rot90,
    lambda pixels: pixels[::-1, ::-1],
    lambda pixels: np.rot90(pixels, 3),
    lambda pixels: pixels[:, ::-1],
    lambda pixels: pixels[::-1],
    lambda pixels: pixels.swapaxes(0, 1),
    lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
)
# which of them an EXIF orientation asks for
_EXIF_TURNS = {
    value: _TURNS[ORIENTATIONS.index(name) - 1]
    for value, name in {
        2: "flip_left_right",
        3: "rotate_180",
        4: "flip_top_bottom",
        5: "transpose",
        6: "rotate_270",
        7: "transverse",
        8: "rotate_90",
    }.items()
}
_PREVIEW_QUALITY = 80
_REDUCED_FLAGS = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


@dataclass(frozen=True, slots=True)
class Decoding:
    """How bytes become grey pixels.

    Attributes
    ----------
    mode : {"full", "reduced"}
        Pillow's pixels, or JPEG decoded straight to grey at a reduced scale.
    exif : bool
        Turn the image as its EXIF orientation says; ImageHash doesn't.
    strict_imagehash : bool
        Let Pillow clip 16-bit and float pixels to 0..255 instead of scaling them.
    """

    mode: Mode = "full"
    exif: bool = False
    strict_imagehash: bool = False


@dataclass(frozen=True, slots=True)
class Decoded:
    """One image in grey, and what colours it has.

    Attributes
    ----------
    grey : uint8 (h, w)
    extent : (float, float)
        How many columns and rows of `grey` the image covers: all of them, or, where a reduction
        left a part of a pixel at the right or lower edge, a little less.
    format : str
        Pillow's name of it.
    width, height : int
        Pixels before any reduction.
    multiframe : bool
        Whether this is the first of several frames or pages.
    chroma : int8 (2, 8, 8) or None
        Means of Cb - 128 and Cr - 128 (ITU-R 601 in full range, as JPEG) over equal cells of what
        `grey` shows, -127 to 127; zeros for images without colour. None where it isn't known: a
        reduced JPEG is decoded to grey alone.
    """

    grey: NDArray[np.uint8]
    extent: tuple[float, float]
    format: str
    width: int
    height: int
    multiframe: bool = False
    chroma: NDArray[np.int8] | None = None


class CaughtStderr:
    """Takes file descriptor 2 of this process for good, to see whether a C library wrote to it.

    libjpeg reports damaged data nowhere else. Python's own ``sys.stderr`` must have been moved to
    a copy of the descriptor, or be expendable: this is for worker processes.
    """

    def __init__(self) -> None:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        os.dup2(file.fileno(), 2)
        self._file = file

    def take(self) -> bool:
        """Whether anything was written since the last call."""
        fd = self._file.fileno()
        if os.lseek(fd, 0, os.SEEK_CUR) == 0:
            return False
        os.lseek(fd, 0, os.SEEK_SET)
        os.ftruncate(fd, 0)
        return True


def limit_pixels(most: int) -> None:
    """Let this process refuse images of more pixels, by their headers, whatever decodes them."""
    # Pillow refuses more than twice as many as this
    Image.MAX_IMAGE_PIXELS = most / 2  # type: ignore[assignment]


def sniff(head: bytes) -> str | None:
    """Pillow's name of the format that the first SNIFFED bytes of a file announce, or None."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in _AVIF_BRANDS:
        return "AVIF"
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADERS:
        return "BMP"
    if head[:1] == b"P" and head[1:2] in _PNM_KINDS and head[2:3].isspace():
        return "PPM"
    return None


def promises_image(path: bytes) -> bool:
    """Whether a name ends as an image's: a file that is none is rejected then, not skipped."""
    return os.path.splitext(path)[1].lower() in _SUFFIXES


def decode(data: bytes, rules: Decoding, caught: CaughtStderr | None = None) -> Decoded:
    """Decode the first frame of an image to grey, and see its colours.

    With `caught`, ordinary JPEGs go to OpenCV, which is faster than Pillow and equal to it in
    every pixel; whatever it doesn't decode without a murmur, Pillow decodes or refuses.

    Raises
    ------
    ImageError
        The bytes are no image of a supported format, or a damaged one.
    """
    if not data:
        raise ImageError("identify", "the file is empty")
    name = sniff(data[:SNIFFED])
    if name is None:
        raise ImageError("identify", "not an image of a supported format")
    if name == "JPEG" and caught and not rules.exif:
        decoded = _decode_opencv(data, rules.mode, caught)
        if decoded:
            return decoded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode_pillow(data, name, rules)


def _opened(data: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=[name])
    except UnidentifiedImageError as error:
        raise ImageError("identify", f"a damaged or unsupported {name} header") from error
    except Exception as error:  # plugins raise whatever they trip over
        raise ImageError("identify", _reason(error)) from error


def _decode_pillow(data: bytes, name: str, rules: Decoding) -> Decoded:
    image = _opened(data, name)
    width, height = image.size
    factor = 1
    try:
        multiframe = bool(getattr(image, "is_animated", False))
        # Pillow turns TIFFs itself, always
        turn = _exif_orientation(image) if rules.exif and name != "TIFF" else 1
        if rules.mode == "reduced" and name == "JPEG" and image.mode in ("RGB", "L"):
            factor = reduction(width, height) if turn == 1 else 1
            image.draft("L", (width // factor, height // factor))
        grey = pillow_grey(image, strict_imagehash=rules.strict_imagehash)
        unknown = rules.mode == "reduced" and name == "JPEG"
        chroma = None if unknown else _pillow_chroma(image)
    except Exception as error:
        raise ImageError("decode", _reason(error)) from error
    if not _has_end(data, name):
        raise ImageError("decode", f"the file is cut short: the end of a {name} is missing")
    if turn in _EXIF_TURNS:
        grey = np.ascontiguousarray(_EXIF_TURNS[turn](grey))
        if chroma is not None:
            chroma = np.stack([_EXIF_TURNS[turn](plane) for plane in chroma])
        if turn >= 5:
            width, height = height, width
    extent = (width / factor, height / factor)
    return Decoded(grey, extent, name, width, height, multiframe, chroma)


def _has_end(data: bytes, name: str) -> bool:
    """Whether the last marker of a JPEG or PNG is there: Pillow doesn't always miss it."""
    if name == "JPEG":
        return data.find(_JPEG_END, _scan_start(data)) >= 0
    return name != "PNG" or _PNG_END in data


def _scan_start(data: bytes) -> int:
    """Where the first scan of a JPEG begins: before it, a thumbnail may have an end of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        padding = data[at + 1] == 0xFF
        at += 1 if padding else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def _decode_opencv(data: bytes, mode: Mode, caught: CaughtStderr) -> Decoded | None:
    """An ordinary JPEG, or None where OpenCV isn't to be trusted with it."""
    header = _jpeg_header(data)
    # without its last marker Pillow may refuse what OpenCV takes in silence
    if header is None or not data.endswith(_JPEG_END):
        return None
    width, height, colours = header
    if mode == "reduced":
        factor = reduction(width, height)
        flags = _REDUCED_FLAGS[factor]
    else:
        factor = 1
        flags = cv2.IMREAD_COLOR_RGB if colours == 3 else cv2.IMREAD_GRAYSCALE
    caught.take()
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if caught.take() or pixels is None or pixels.dtype != np.uint8:
        return None
    if pixels.shape[:2] != (-(-height // factor), -(-width // factor)):
        return None
    grey = array_grey(pixels)
    chroma = None if mode == "reduced" else array_chroma(pixels)
    return Decoded(grey, (width / factor, height / factor), "JPEG", width, height, chroma=chroma)


def _jpeg_header(data: bytes) -> tuple[int, int, int] | None:
    """Width, height and components of a grey or colour JPEG with nothing unusual before its scan.

    Pillow's own reading of the header takes 30 us, as long as the resize of 300 x 300 pixels.
    """
    frame = None
    at = 2
    try:
        while True:
            prefix, marker, length = struct.unpack_from(">BBH", data, at)
            if marker == _SCAN:
                break
            if prefix != 0xFF or marker not in _USUAL_MARKERS:
                return None
            if marker in _FRAMES:
                if frame:
                    return None
                frame = struct.unpack_from(">BHHB", data, at + 4)
            at += 2 + length
    except struct.error:
        return None
    if frame is None:
        return None
    bits, height, width, components = frame
    usual = bits == 8 and components in (1, 3) and width > 0 and height > 0
    if not usual or width * height > 2 * (Image.MAX_IMAGE_PIXELS or 0):
        return None
    return width, height, components


def pillow_grey(image: Image.Image, *, strict_imagehash: bool = False) -> NDArray[np.uint8]:
    """Grey pixels (h, w) of a Pillow image: its ``convert("L")``, but 16-bit and float scaled."""
    _mend_single_plane(image)
    if strict_imagehash or not (image.mode in _SCALED_MODES or image.mode.startswith("I;16")):
        return np.ascontiguousarray(image.convert("L"))
    return scale_to_uint8(np.asarray(image))


def image_grey(image: Image.Image, *, strict_imagehash: bool = False) -> NDArray[np.uint8]:
    """Grey pixels (h, w) of a Pillow image; ImageError where Pillow can't load or convert it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pillow_grey(image, strict_imagehash=strict_imagehash)
        except Exception as error:
            raise ImageError("decode", _reason(error)) from error


def array_grey(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey pixels (h, w) of a uint8 array (h, w) or, RGB, (h, w, 3).

    Raises
    ------
    ImageError
        Another dtype or shape, or no pixels at all.
    """
    grey_or_rgb = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not grey_or_rgb or pixels.size == 0:
        raise ImageError(
            "decode", f"need uint8 pixels (h, w) or (h, w, 3), not {pixels.dtype} {pixels.shape}"
        )
    pixels = np.ascontiguousarray(pixels)
    return pixels if pixels.ndim == 2 else _rgb_grey(pixels)


def array_chroma(pixels: NDArray[Any]) -> NDArray[np.int8]:
    """`Decoded.chroma`, int8 (2, 8, 8), of pixels (h, w) or, RGB, (h, w, 3)."""
    if pixels.ndim == 2:
        return _no_colour()
    height, width = pixels.shape[:2]
    return _chroma(width, height, lambda top, bottom: pixels[top:bottom])


def _pillow_chroma(image: Image.Image) -> NDArray[np.int8]:
    if Image.getmodebase(image.mode) == "L":
        return _no_colour()

    def rows(top: int, bottom: int) -> NDArray[np.uint8]:
        strip = image.crop((0, top, image.width, bottom))
        # alpha is dropped; a transparent palette entry would be looked up to be kept
        strip.info.pop("transparency", None)
        return np.asarray(strip.convert("RGB"))

    return _chroma(*image.size, rows)


def _no_colour() -> NDArray[np.int8]:
    return np.zeros((2, CHROMA_SIDE, CHROMA_SIDE), np.int8)


def _chroma(
    width: int, height: int, rows: Callable[[int, int], NDArray[np.uint8]]
) -> NDArray[np.int8]:
    """Chroma of the image whose RGB pixels ``rows(top, bottom)`` gives, strip by strip."""
    from fastphash.kernels import chroma  # numba, as in _rgb_grey

    totals = np.zeros((CHROMA_SIDE, CHROMA_SIDE, 3), np.int64)
    columns = np.empty((CHROMA_SIDE, 3 * width), np.uint32)
    step = max(_AT_ONCE // width, 1)
    for top in range(0, height, step):
        strip = np.ascontiguousarray(rows(top, min(top + step, height)))
        chroma.add_strip(strip.reshape(-1, 3 * width), top, height, columns, totals)
    out = np.empty((2, CHROMA_SIDE, CHROMA_SIDE), np.int8)
    chroma.totals_to_chroma(totals, width * height, out)
    return out


def scale_to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Stretch the finite values of an array over 0..255; not finite is 0, and so is a constant."""
    out = np.zeros(values.shape, np.uint8)
    # some rows at a time: in double precision a large image is eight times as large
    step = max(_AT_ONCE // max(values[:1].size, 1), 1)
    ranges = []
    for start in range(0, len(values), step):
        rows = values[start : start + step]
        finite = rows[np.isfinite(rows)]
        if finite.size:
            ranges.append((float(finite.min()), float(finite.max())))
    low = min((low for low, _ in ranges), default=0.0)
    high = max((high for _, high in ranges), default=0.0)
    if low == high:
        return out
    for start in range(0, len(values), step):
        rows = values[start : start + step].astype(np.float64)
        rows[~np.isfinite(rows)] = low
        out[start : start + step] = np.floor(255 * (rows - low) / (high - low) + 0.5)
    return out


def preview(data: bytes, side: int, orientation: int = 0, *, exif: bool = False) -> bytes:
    """A JPEG for people to look at: in colour, small, and turned.

    Parameters
    ----------
    data : bytes
        Of an image file.
    side : int
        The longer side is made this many pixels; smaller images stay as they are.
    orientation : int
        Index into `fastphash.ORIENTATIONS`, applied last.
    exif : bool
        Turn the image as its EXIF orientation says, before that.

    Raises
    ------
    ImageError
        The bytes are no image of a supported format, or a damaged one.
    """
    name = sniff(data[:SNIFFED])
    if name is None:
        raise ImageError("identify", "not an image of a supported format")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _opened(data, name)
        try:
            turn = _exif_orientation(image) if exif and name != "TIFF" else 1
            # libjpeg leaves out what isn't looked at
            image.draft(None, (side, side))
            _mend_single_plane(image)
            pixels = _shrunk(image, side)
        except Exception as error:
            raise ImageError("decode", _reason(error)) from error
    if turn in _EXIF_TURNS:
        pixels = _EXIF_TURNS[turn](pixels)
    return encode(turned(pixels, orientation), "JPEG", _PREVIEW_QUALITY)


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels (h, w) or (h, w, 3) in an orientation, an index into `fastphash.ORIENTATIONS`."""
    return np.ascontiguousarray(_TURNS[orientation - 1](pixels) if orientation else pixels)


def _shrunk(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """RGB or grey pixels of an image, on white where it is transparent."""
    if image.mode in _SCALED_MODES or image.mode.startswith("I;16"):
        image = Image.fromarray(scale_to_uint8(np.asarray(image)))
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        image = Image.new("RGB", seen.size, "white")
        image.paste(seen, mask=seen)
    image = image.convert("L" if image.mode in ("L", "1") else "RGB")
    image.thumbnail((side, side))
    return np.asarray(image)


def encode(pixels: NDArray[np.uint8], name: Literal["JPEG", "PNG"], quality: int = 90) -> bytes:
    """Encode uint8 pixels (h, w) or, RGB, (h, w, 3)."""
    buffer = io.BytesIO()
    options: dict[str, int] = {"quality": quality} if name == "JPEG" else {"compress_level": 1}
    Image.fromarray(pixels).save(buffer, name, **options)
    return buffer.getvalue()


def _rgb_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # numba takes 110 MB, and who only looks at images doesn't need it
    from fastphash.kernels.grey import rgb_to_grey

    grey = np.empty(pixels.shape[:2], np.uint8)
    rgb_to_grey(pixels.reshape(-1), grey.reshape(-1))
    return grey


def reduction(width: int, height: int, side: int = REDUCED_SIDE) -> int:
    """The largest scale denominator of libjpeg that leaves `side` pixels on the shorter side."""
    for factor in (8, 4, 2):
        if min(width, height) >= factor * side:
            return factor
    return 1


def _exif_orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block is no reason to lose the image
        return 1


def _mend_single_plane(image: Image.Image) -> None:
    """Let Pillow 13 read 16-bit TIFFs of one band stored as separate planes.

    It takes one letter of the raw mode for each plane, which leaves "I" of "I;16", and then knows
    no such mode. Satellite tiles are often written so.
    """
    tiles = getattr(image, "tile", None)
    if not isinstance(image, TiffImageFile) or not tiles or tiles[0].codec_name != "raw":
        return
    tags = image.tag_v2
    if tags.get(_TIFF_BITS) != (16,) or tags.get(_TIFF_PLANES) != 2 or tiles[0].args[0] != "I":
        return
    big_endian = "B" if tags.prefix == b"MM" else ""
    signed = "S" if tags.get(_TIFF_SAMPLE_FORMAT) == (2,) else ""
    raw_mode = f"I;16{big_endian}{signed}"
    image.tile = [tile._replace(args=(raw_mode, *tile.args[1:])) for tile in tiles]


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, Image.DecompressionBombError):
        most = int(2 * (Image.MAX_IMAGE_PIXELS or 0))
        return f"more than {most:,} pixels (--max-pixels), a decompression bomb perhaps"
    text = " ".join(str(error).split()) or "no further detail"
    return f"{type(error).__name__}: {text}"[:300]
