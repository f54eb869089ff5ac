"""Samples of any depth and number as 8-bit pixels: which bands, how stretched, without nodata."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import ImageError, UsageError
from fastphash.images.equalise import RANKED_SIDE

# values scaled per strip
_STRIP = 1 << 20
_LEVELS = 255
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PAIR = re.compile(rf"({_NUMBER})(%?)(,|\.\.)({_NUMBER})(%?)")

StretchKind = Literal["percentiles", "values"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which values become 0 and 255: percentiles of the valid pixels, or the values themselves."""

    kind: StretchKind = "percentiles"
    low: float = 2.0
    high: float = 98.0

    def __str__(self) -> str:
        if (self.kind, self.low, self.high) == ("percentiles", 0, 100):
            return "minmax"
        low, high = plain_number(self.low), plain_number(self.high)
        return f"{low}%,{high}%" if self.kind == "percentiles" else f"{low}..{high}"


@dataclass(frozen=True, slots=True)
class Rendering:
    """How samples that Pillow doesn't give as 8-bit pixels become such pixels.

    Attributes
    ----------
    bands : tuple of int or None
        One band or three, from 1; None for 1, 2, 3 where there are so many, else 1.
    stretch : Stretch
        Of samples of more than 8 bits, band by band.
    nodata : float, "auto" or "none"
        The value that is no picture; "auto" for what the file declares, and its masks, if it has
        more than 8 bits. What isn't finite never is.
    """

    bands: tuple[int, ...] | None = None
    stretch: Stretch = field(default_factory=Stretch)
    nodata: float | Literal["auto", "none"] = "auto"

    @property
    def is_asked_for(self) -> bool:
        """Whether TIFFs of 8 bits are rendered, too: bands are named, or the value of nodata."""
        return self.bands is not None or not isinstance(self.nodata, str)


class Raster(NamedTuple):
    """The chosen bands of an image, as they are stored.

    Attributes
    ----------
    bands : list of arrays (h, w)
        One or three.
    valid : bool (h, w) or None
        What the masks of the file leave; None if that is everything.
    nodata : float or None
        The value that the file declares.
    """

    bands: list[NDArray[Any]]
    valid: NDArray[np.bool_] | None = None
    nodata: float | None = None


class Rendered(NamedTuple):
    """An image as 8-bit pixels.

    Attributes
    ----------
    pixels : uint8 (h, w) or (h, w, 3)
    values : float64 (h', w') or None
        Grey values in full depth, nodata filled, of at most `RANKED_SIDE` pixels a side; None if 8
        bits are all the depth there is.
    """

    pixels: NDArray[np.uint8]
    values: NDArray[np.float64] | None


def parse_bands(value: str | Sequence[int] | None) -> tuple[int, ...] | None:
    """Numbers of bands from a text such as ``4,3,2``; None for ``auto``.

    UsageError unless they are one or three numbers from 1.
    """
    if value is None or value == "auto":
        return None
    words = value.split(",") if isinstance(value, str) else [*map(str, value)]
    numbers = tuple(int(word) for word in words if re.fullmatch(r"\s*[0-9]{1,5}\s*", word))
    if len(numbers) != len(words) or len(numbers) not in (1, 3) or min(numbers) < 1:
        raise UsageError(
            f"`bands` must be one band or three, counted from 1, such as 4,3,2, not {value!r}"
        )
    return numbers


def parse_stretch(text: str) -> Stretch:
    """A stretch from ``2,98``, ``minmax`` or ``LOW,HIGH``.

    Two numbers from 0 to 100 on either side of 50 are percentiles, others are values; ``2%,98%``
    always are percentiles, ``0..60`` values. UsageError for any other text.
    """
    if text == "minmax":
        return Stretch("percentiles", 0.0, 100.0)
    match = _PAIR.fullmatch(text.replace(" ", "")) if isinstance(text, str) else None
    if match is None or match[2] != match[5] or (match[2] and match[3] != ","):
        raise UsageError(
            "`stretch` must be two percentiles such as 2,98, two values such as 0,3000 (or "
            f"0..60), or minmax, not {text!r}"
        )
    low, high = float(match[1]), float(match[4])
    is_share = bool(match[2]) or (match[3] == "," and 0 <= low < 50 < high <= 100)
    finite = math.isfinite(low) and math.isfinite(high)
    if not low < high or not finite or (is_share and not 0 <= low < high <= 100):
        between = " from 0% to 100%" if is_share else ""
        raise UsageError(
            f"`stretch` must go from a lower to a higher number{between}, not {text!r}"
        )
    return Stretch("percentiles" if is_share else "values", low, high)


def parse_nodata(value: str | float) -> float | Literal["auto", "none"]:
    """The value that is no picture, ``auto`` or ``none``; UsageError for any other text."""
    if value in ("auto", "none"):
        return "auto" if value == "auto" else "none"
    is_written = isinstance(value, str) and re.fullmatch(_NUMBER, value.strip()) is not None
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if (is_written or is_number) and math.isfinite(number := float(value)):
        return number
    raise UsageError(
        f"`nodata` must be auto, none or a number, not {value!r}; what isn't finite is never a "
        "picture"
    )


def rendering_words(rendering: Rendering) -> dict[str, str]:
    """Bands, stretch and nodata of a rendering as texts, one text for each meaning.

    >>> rendering_words(Rendering((4, 3, 2), parse_stretch("0,3000"), -9999.0))
    {'bands': '4,3,2', 'stretch': '0..3000', 'nodata': '-9999'}
    """
    bands, nodata = rendering.bands, rendering.nodata
    return {
        "bands": "auto" if bands is None else ",".join(map(str, bands)),
        "stretch": str(rendering.stretch),
        "nodata": nodata if isinstance(nodata, str) else plain_number(nodata),
    }


def plain_number(value: float) -> str:
    """A number without a needless fraction: 2, -9999, 0.5."""
    return f"{value:.0f}" if abs(value) < 1e15 and value.is_integer() else repr(value)


def choose_bands(rendering: Rendering, count: int) -> tuple[int, ...]:
    """Indices, from 0, of the bands to take of so many; ImageError if there is no such band."""
    if rendering.bands is None:
        return (0, 1, 2) if count >= 3 else (0,)
    missing = [band for band in rendering.bands if band > count]
    if missing:
        has = "1 band" if count == 1 else f"{count} bands"
        raise ImageError("decode", f"no band {missing[0]} to hash: the image has {has}")
    return tuple(band - 1 for band in rendering.bands)


def render(raster: Raster, rendering: Rendering) -> Rendered:
    """The 8-bit pixels of a raster; nodata has the mean of the other pixels of its band."""
    planes, values = [], []
    is_deep = any(band.dtype != np.uint8 for band in raster.bands)
    for band in raster.bands:
        valid = _valid_pixels(band, raster, rendering)
        planes.append(_levels(band, valid, rendering.stretch))
        if is_deep:
            values.append(_ranked_values(band, valid))
    pixels = planes[0] if len(planes) == 1 else np.dstack(planes)
    if not is_deep:
        return Rendered(pixels, None)
    return Rendered(pixels, values[0] if len(values) == 1 else _luma(values))


def _valid_pixels(
    band: NDArray[Any], raster: Raster, rendering: Rendering
) -> NDArray[np.bool_] | None:
    """Where a band shows the picture; None for everywhere."""
    masks: list[NDArray[np.bool_]] = []
    nodata = None
    if band.dtype.kind == "f":
        masks.append(np.isfinite(band))
    if not isinstance(rendering.nodata, str):
        nodata = rendering.nodata
    elif rendering.nodata == "auto" and band.dtype != np.uint8:
        # 8 bits are hashed as ImageHash does, whatever their file declares
        nodata = raster.nodata
        masks += [] if raster.valid is None else [raster.valid]
    if nodata is not None:
        typed = _as_sample(nodata, band.dtype)
        if typed is not None:
            masks.append(band != typed)
    valid = None
    for mask in masks:
        if not mask.all():
            valid = mask if valid is None else valid & mask
    return valid


def _as_sample(value: float, dtype: np.dtype[Any]) -> Any:
    """A value in the type of samples; None if they can't have it, or it isn't finite."""
    if not math.isfinite(value):
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(value)
    limits = np.iinfo(dtype)
    fits = value.is_integer() and limits.min <= int(value) <= limits.max
    return dtype.type(int(value)) if fits else None


def _levels(
    band: NDArray[Any], valid: NDArray[np.bool_] | None, stretch: Stretch
) -> NDArray[np.uint8]:
    """A band as grey levels, filled with their mean where it isn't valid."""
    shown = band.reshape(-1) if valid is None else band[valid]
    if shown.size == 0:
        return np.zeros(band.shape, np.uint8)
    is_byte = band.dtype == np.uint8
    levels = band.copy() if is_byte else _scaled(band, *_ends(shown, stretch))
    if valid is not None:
        levels[~valid] = int(levels[valid].mean() + 0.5)
    return levels


def _ends(shown: NDArray[Any], stretch: Stretch) -> tuple[float, float]:
    """The values that become 0 and 255; where percentiles are one value, the least and greatest."""
    if stretch.kind == "values":
        return stretch.low, stretch.high
    last = shown.size - 1
    ranks = [int(last * share / 100 + 0.5) for share in (stretch.low, stretch.high)]
    low, high = (float(end) for end in np.partition(shown, ranks)[ranks])
    return (low, high) if low < high else (float(shown.min()), float(shown.max()))


def _scaled(band: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    levels = np.zeros(band.shape, np.uint8)
    if low == high:
        return levels
    # of values near the limits of float64, the difference isn't finite
    half = 1.0 if math.isfinite(_LEVELS * (high - low)) else 2.0**-10
    low, width = low * half, high * half - low * half
    step = max(_STRIP // band.shape[1], 1)
    for top in range(0, len(band), step):
        rows = band[top : top + step].astype(np.float64) * half
        with np.errstate(invalid="ignore", over="ignore"):
            rows = np.floor(_LEVELS * (rows - low) / width + 0.5)
        levels[top : top + step] = np.nan_to_num(np.clip(rows, 0, _LEVELS))
    return levels


def _ranked_values(band: NDArray[Any], valid: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Every nth value of a band, in rows and in columns; the mean where it isn't valid."""
    steps = tuple(slice(None, None, -(-side // RANKED_SIDE)) for side in band.shape)
    values = band[steps].astype(np.float64)
    if valid is not None:
        shown = valid[steps]
        with np.errstate(over="ignore"):
            values[~shown] = values[shown].mean() if shown.any() else 0.0
    return values


def _luma(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    red, green, blue = values
    return 0.299 * red + 0.587 * green + 0.114 * blue
