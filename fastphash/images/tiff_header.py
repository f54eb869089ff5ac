"""What the directories of a TIFF say of its bands, read without any library."""

import struct
from dataclasses import dataclass
from typing import TypeAlias

from fastphash.base.text import count
from fastphash.images.rendering import Rendering

#: Directories that are looked at: those after them don't count.
MAX_DIRECTORIES = 256
# values of a tag that are read; of most tags that are looked at there are a few
_MAX_VALUES = 4096

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _PLANES, _TILES = 273, 274, 277, 284, 324
_EXTRA_SAMPLES, _SAMPLE_FORMAT = 338, 339
#: GDAL's, a number as text.
NODATA_TAG = 42113
_KNOWN = frozenset((_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS))
_KNOWN |= {_ORIENTATION, _SAMPLES, _PLANES, _TILES, _EXTRA_SAMPLES, _SAMPLE_FORMAT, NODATA_TAG}
# what reading at an offset outside of the file raises
_DAMAGED = (struct.error, ValueError, OverflowError)
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SAMPLE_TYPES = {1: "uint", 2: "int", 3: "float", 5: "complex int", 6: "complex"}
_REAL_TYPES = frozenset((1, 2, 3))
_NONE, _RGB = 1, 2
_GREY_OR_RGB = frozenset((0, 1, 2))
_RAW_GREY_OR_RGB = frozenset((1, 2))
_PHOTOMETRIC_NAMES = {
    0: "grey",
    1: "grey",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "Lab",
    10: "Lab",
    32803: "raw sensor",
    34892: "raw sensor",
}
_ALPHAS = frozenset((1, 2))
_OF_LOWER_RESOLUTION, _MASK = 1, 4

Tags: TypeAlias = "dict[int, tuple[int, ...] | bytes]"


@dataclass(frozen=True, slots=True)
class TiffFacts:
    """What a TIFF says of its first page.

    Attributes
    ----------
    width, height : int
    bits : tuple of int
        Bits of a sample, of every band or of all.
    bands : int
    formats : frozenset of int
        Kinds of samples: 1 unsigned, 2 signed, 3 float.
    separate : bool
        Whether bands are stored one after the other.
    photometric, compression, orientation : int
    extra : tuple of int
        What the last bands are: 1 and 2 are alpha.
    nodata : float or None
        GDAL's tag; None if there is none, or no number.
    big_endian, big : bool
        The order of bytes, and whether offsets have 64 bits.
    masks : tuple of int
        Numbers of the pages that say where the first one is valid.
    further_pages : int
        Pages after the first that are neither masks nor overviews.
    """

    width: int
    height: int
    bits: tuple[int, ...]
    bands: int
    formats: frozenset[int]
    separate: bool
    photometric: int
    compression: int
    orientation: int
    extra: tuple[int, ...]
    nodata: float | None
    big_endian: bool
    big: bool
    masks: tuple[int, ...]
    further_pages: int

    @property
    def alpha(self) -> int | None:
        """The index of the band that is alpha; None without one."""
        first = self.bands - len(self.extra)
        found = [first + i for i, kind in enumerate(self.extra) if kind in _ALPHAS]
        return found[0] if found and 0 <= found[0] < self.bands else None

    @property
    def is_deep(self) -> bool:
        """Whether samples are something else than whole numbers from 0 to 255."""
        return max(self.bits) > 8 or self.formats != {1}

    @property
    def has_plain_bands(self) -> bool:
        """Whether bands are grey or colours as they are, whole or real numbers, of one type."""
        one_type = len(set(self.bits)) == 1 and len(self.formats) == 1
        return self.photometric in _GREY_OR_RGB and one_type and self.formats <= _REAL_TYPES

    @property
    def shows_values(self) -> bool:
        """Whether Pillow gives the samples of 8 bits as they are stored: it inverts some."""
        return not self.is_deep and self.bits[0] == 8 and self.photometric in _RAW_GREY_OR_RGB

    def pillow_reads(self, rendering: Rendering) -> bool:
        """Whether Pillow gives all that is to be rendered, and gives it right.

        Measured over types, bands, layouts, compressions and byte orders against tifffile: of
        compressed samples of 16 and 32 bits, Pillow takes big-endian ones for little-endian; of
        compressed separate bands, it drops low bytes, and of those that aren't RGB it takes the
        bytes of one for those of others.
        """
        if not self.has_plain_bands:
            return True  # nothing else reads these
        if self.separate and self.bands > 1 and self.photometric != _RGB:
            return False
        if self.is_deep:
            return not self.masks and self._pillow_reads_deep()
        return not rendering.is_asked_for or (self.shows_values and self.bands in (1, 3))

    def _pillow_reads_deep(self) -> bool:
        if max(self.bits) <= 8 or (self.big_endian and self.big):
            return False
        is_unsigned = self.formats == {1}
        if self.bands == 1:
            is_short = is_unsigned and self.bits[0] <= 16
            return is_short or not self.big_endian or self.compression == _NONE
        is_colour = self.bands == 3 or (self.bands == 4 and self.extra == (2,))
        is_whole = not self.separate or self.compression == _NONE
        return is_colour and is_whole and is_unsigned and self.bits[0] == 16

    def describe(self) -> str:
        """The bands and their type, as "RGB pixels in 4 bands of uint16"."""
        types = sorted(_SAMPLE_TYPES.get(code, "unknown ") for code in self.formats)
        widths = sorted(set(self.bits))
        mode = _PHOTOMETRIC_NAMES.get(self.photometric, f"photometric {self.photometric}")
        samples = " and ".join(f"{kind}{width}" for kind in types for width in widths)
        return f"{mode} pixels in {count(self.bands, 'band')} of {samples}"


def tiff_facts(data: bytes) -> TiffFacts | None:
    """What a TIFF says of its bands; None if its first directory is damaged, or lacks pixels."""
    try:
        pages = _read_directories(data)
        return _facts(data, pages) if pages else None
    except (*_DAMAGED, LookupError):
        return None


def _facts(data: bytes, pages: list[Tags]) -> TiffFacts | None:
    first = pages[0]
    if not {_WIDTH, _HEIGHT} <= first.keys() or not {_STRIPS, _TILES} & first.keys():
        return None
    bits = _numbers(first, _BITS, (1,))
    bands = _numbers(first, _SAMPLES, (len(bits),))[0]
    size = _numbers(first, _WIDTH, (0,))[0], _numbers(first, _HEIGHT, (0,))[0]
    if min(*size, bands, *bits) < 1:
        return None
    kinds = [_numbers(page, _SUBFILE, (0,))[0] for page in pages]
    others = range(1, len(pages))
    full_masks = tuple(
        i
        for i in others
        if kinds[i] & _MASK
        and not kinds[i] & _OF_LOWER_RESOLUTION
        and (_numbers(pages[i], _WIDTH, (0,))[0], _numbers(pages[i], _HEIGHT, (0,))[0]) == size
    )
    return TiffFacts(
        *size,
        bits,
        bands,
        frozenset(_numbers(first, _SAMPLE_FORMAT, (1,))),
        _numbers(first, _PLANES, (1,))[0] == 2,
        _numbers(first, _PHOTOMETRIC, (0,))[0],
        _numbers(first, _COMPRESSION, (_NONE,))[0],
        _numbers(first, _ORIENTATION, (1,))[0],
        _numbers(first, _EXTRA_SAMPLES, ()),
        declared_nodata(first.get(NODATA_TAG)),
        data[:2] == b"MM",
        data[2:4] in (b"+\0", b"\0+"),
        full_masks,
        sum(not kinds[i] & (_MASK | _OF_LOWER_RESOLUTION) for i in others),
    )


def _numbers(tags: Tags, tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
    found = tags.get(tag, default)
    return found if isinstance(found, tuple) and (found or not default) else default


def declared_nodata(text: object) -> float | None:
    """The number in GDAL's tag, as bytes or text; None without one."""
    if isinstance(text, bytes):
        text = text.split(b"\0")[0].decode("ascii", "replace")
    if not isinstance(text, str):
        return None
    try:
        return float(text.strip("\0 \n").replace(",", "."))
    except ValueError:
        return None


def _read_directories(data: bytes) -> list[Tags]:
    """The known tags of each directory, up to `MAX_DIRECTORIES`."""
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    pages: list[Tags] = []
    seen = set()
    while at and at not in seen and len(pages) < MAX_DIRECTORIES:
        seen.add(at)
        try:
            tags, at = _read_directory(data, at, order, big=big)
        except _DAMAGED:
            if not pages:
                raise
            break
        pages.append(tags)
    return pages


def _read_directory(data: bytes, at: int, order: str, *, big: bool) -> tuple[Tags, int]:
    number, entry, offset = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    (entries,) = struct.unpack_from(order + number, data, at)
    at += struct.calcsize(order + number)
    head, inline = struct.calcsize(order + entry), 8 if big else 4
    if entries > 4096:
        raise ValueError("too many tags")
    tags: Tags = {}
    for start in range(at, at + entries * (head + inline), head + inline):
        tag, kind, values = struct.unpack_from(order + entry, data, start)
        if tag not in _KNOWN or kind not in _TYPES:
            continue
        if values > _MAX_VALUES:
            tags[tag] = ()
            continue
        layout = f"{order}{values}{_TYPES[kind]}"
        place = start + head
        if struct.calcsize(layout) > inline:
            (place,) = struct.unpack_from(order + offset, data, place)
        found = struct.unpack_from(layout, data, place)
        tags[tag] = found[0] if kind == 2 else found
    (following,) = struct.unpack_from(order + offset, data, at + entries * (head + inline))
    return tags, following
