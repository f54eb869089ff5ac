"""What a hash leaves out of an image, and a verdict needs: alpha, further frames, depth, pixels."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray
from PIL import Image, ImageFile

from fastphash.base.contact_sheet import contact_sheet
from fastphash.images.depth import Depth, colour_depth, is_grey_with_alpha, read_low_bytes
from fastphash.images.equalise import RANKED_SIDE, Equalised, equalise
from fastphash.images.jpeg_header import JPEG_END, scan_start
from fastphash.images.samples import (
    Samples,
    array_samples,
    deep_samples,
    grey_alpha_samples,
    pillow_samples,
)
from fastphash.images.thumbnail import thumbnail
from fastphash.images.tiff import fix_planar_tiff, is_reduced_copy

#: Frames of an image that are decoded, and pixels of those after the first; nothing is known of
#: the frames of an image with more.
MAX_FRAMES = 1000
MAX_FRAME_PIXELS = 1 << 25
# values of more than 8 bits of which grey levels lose more are hidden by outliers: a picture that
# uses all levels loses some 0.01, one with a void or a hot pixel nearly 1
_LOST_ORDER = 0.1
_MIDDLE_GREY = 128
# names the further images of a JPEG, which follow the first
_JPEG_INDEX = b"MPF\0"
_JPEGS = ("JPEG", "MPO")

Turn = Callable[[Image.Image], Image.Image]
Open = Callable[[], ImageFile.ImageFile]


class Evidence(NamedTuple):
    """What the hash of an image leaves out.

    Attributes
    ----------
    pixel_digest : bytes or None
        XXH3-128 of all samples of all frames, or pages; None if not all of them are known.
    frames : int or None
        Frames or pages; None if they can't be read, or are too many or too large.
    alpha : bytes or None
        Thumbnail of alpha; None if all of it is opaque.
    further_frames : bytes or None
        Contact sheet of the frames after the first, as large as a thumbnail.
    equalised : bytes or None
        Thumbnail of values of more than 8 bits by their ranks, where grey levels don't show them.
    """

    pixel_digest: bytes | None = None
    frames: int | None = None
    alpha: bytes | None = None
    further_frames: bytes | None = None
    equalised: bytes | None = None


class Frame(NamedTuple):
    """One frame, loaded, and what Pillow gave of its colours."""

    image: Image.Image
    depth: Depth


def array_evidence(pixels: NDArray[np.uint8], data: bytes) -> Evidence:
    """The evidence of a JPEG decoded to pixels, grey (h, w) or RGB (h, w, 3)."""
    return Evidence(_with_further_images(array_samples(pixels).digest(opaque=True), data), 1)


def pillow_evidence(
    first: Frame,
    data: bytes,
    reopen: Open,
    grey: NDArray[np.uint8],
    turn: Turn,
    values: NDArray[np.float64] | None = None,
) -> Evidence:
    """The evidence of an image that Pillow decoded.

    Parameters
    ----------
    first : Frame
        The first one. Its image is moved on to further frames.
    data : bytes
    reopen : callable
        Opens the image anew.
    grey : uint8 (h, w)
        Pixels of the first frame as they are hashed.
    turn : callable
        Brings a frame into the orientation that its EXIF asks for.
    values : float64 (h', w'), optional
        `Rendered.values`, if it was rendered.
    """
    is_animated = bool(getattr(first.image, "is_animated", False))
    try:
        return _look(first, data, reopen, (grey, values), turn)
    except Exception:  # what can't be looked at is unknown; the image has its hash all the same
        return Evidence(frames=None if is_animated else 1)


def raster_evidence(
    samples: Samples | None, grey: NDArray[np.uint8], values: NDArray[np.float64] | None, pages: int
) -> Evidence:
    """The evidence of a TIFF that was read as a raster, with so many further pages.

    `samples` are those of all bands, or None if they aren't known; further pages aren't looked at.
    """
    alpha = samples.alpha() if samples else None
    digest = samples.digest(opaque=alpha is None) if samples and not pages else None
    return Evidence(
        digest,
        None if pages else 1,
        None if alpha is None else thumbnail(np.ascontiguousarray(alpha)).tobytes(),
        None,
        None if values is None else _rank_thumbnail(values, grey),
    )


def _look(
    first: Frame,
    data: bytes,
    reopen: Open,
    shown: tuple[NDArray[np.uint8], NDArray[np.float64] | None],
    turn: Turn,
) -> Evidence:
    samples = _read_samples(first, 0, reopen, turn)
    # of a depth that is lost, alpha is known all the same
    seen = samples or pillow_samples(turn(first.image))
    alpha = seen.alpha()
    digest = samples.digest(opaque=alpha is None) if samples else None
    further = _Further(1, digest, None)
    if first.image.format in _JPEGS:
        further = further._replace(digest=digest and _with_further_images(digest, data))
    elif getattr(first.image, "is_animated", False):
        further = _read_further(first.image, digest, data, reopen, turn)
    return Evidence(
        further.digest,
        further.frames,
        None if alpha is None else thumbnail(np.ascontiguousarray(alpha)).tobytes(),
        further.sheet,
        _equalised_thumbnail(samples, *shown) if samples and _is_deep(samples) else None,
    )


def loaded_depth(image: Image.Image, data: bytes) -> Depth:
    """As `colour_depth`; call it before Pillow loads the image."""
    fix_planar_tiff(image)
    depth = colour_depth(image, data)
    is_16_bit = depth == "high bytes" or image.mode.startswith("I;16")
    # Pillow compares the transparent colour with the high bytes
    if is_16_bit and image.info.pop("transparency", None) is not None:
        return "lost"
    return depth


class _Further(NamedTuple):
    """How many frames there are, the digest of all, and the sheet of those after the first."""

    frames: int | None
    digest: bytes | None
    sheet: bytes | None


def _read_samples(frame: Frame, number: int, reopen: Open, turn: Turn) -> Samples | None:
    """All samples of a loaded frame; None if some of its depth is lost."""
    if frame.depth == "whole":
        return pillow_samples(turn(frame.image))
    if frame.depth == "lost":
        return None
    low = reopen()
    low.seek(number)
    grey_alpha = is_grey_with_alpha(low)
    read_low_bytes(low)
    low.load()
    if grey_alpha:
        return grey_alpha_samples(turn(low))
    return deep_samples(turn(frame.image), turn(low))


def _read_further(
    image: Image.Image, first_digest: bytes | None, data: bytes, reopen: Open, turn: Turn
) -> _Further:
    digests, tiles, pixels = [first_digest], [], 0
    try:
        for number in range(1, MAX_FRAMES + 1):
            try:
                image.seek(number)
            except EOFError:
                break
            if is_reduced_copy(image):
                continue
            pixels += image.width * image.height
            if number == MAX_FRAMES or pixels > MAX_FRAME_PIXELS:
                return _Further(None, None, None)
            depth = loaded_depth(image, data)
            image.load()
            samples = _read_samples(Frame(image, depth), number, reopen, turn)
            seen = samples or pillow_samples(turn(image))
            alpha = seen.alpha()
            digests.append(samples.digest(opaque=alpha is None) if samples else None)
            tiles.append(thumbnail(_shown(seen, alpha)))
    except Exception:  # plugins raise all kinds of errors; the first frame is sound
        return _Further(None, None, None)
    if not tiles:
        return _Further(1, first_digest, None)
    known = None not in digests
    # pages lie beside one another, frames follow in time: the same pictures mean other things
    kind = b"pages" if image.format == "TIFF" else b"frames"
    together = b"".join([kind, *(digest or b"" for digest in digests)])
    return _Further(
        len(digests),
        xxhash.xxh3_128_digest(together) if known else None,
        contact_sheet(np.stack(tiles)).tobytes(),
    )


def _shown(samples: Samples, alpha: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Grey pixels (h, w) of a frame before a ground of middle grey."""
    if _is_deep(samples):
        return equalise(samples.luma()).grey
    grey = samples.luma()
    if alpha is not None:
        weight = alpha.astype(np.uint16)
        grey = ((grey * weight + _MIDDLE_GREY * (255 - weight)) // 255).astype(np.uint8)
    return np.ascontiguousarray(grey)


def _is_deep(samples: Samples) -> bool:
    """Whether samples have more than 8 bits."""
    return next(samples.strips()).dtype.itemsize > 1


def _equalised_thumbnail(
    samples: Samples, grey: NDArray[np.uint8], values: NDArray[np.float64] | None
) -> bytes | None:
    """Thumbnail of a deep frame by ranks; None where its grey levels keep the order of values."""
    if values is not None:
        return _rank_thumbnail(values, grey)
    return _thumbnail_if_lost(equalise(samples.luma(), grey))


def _rank_thumbnail(values: NDArray[np.float64], grey: NDArray[np.uint8]) -> bytes | None:
    """The same of every nth value in rows and in columns."""
    steps = (slice(None, None, -(-side // RANKED_SIDE)) for side in grey.shape)
    return _thumbnail_if_lost(equalise(values, grey[tuple(steps)]))


def _thumbnail_if_lost(equalised: Equalised) -> bytes | None:
    return thumbnail(equalised.grey).tobytes() if equalised.lost > _LOST_ORDER else None


def _with_further_images(digest: bytes, data: bytes) -> bytes:
    """The digest of a JPEG, together with the images that follow the first, if it names any."""
    start = scan_start(data)
    if _JPEG_INDEX not in data[:start]:
        return digest
    end = data.find(JPEG_END, start)
    return xxhash.xxh3_128_digest(digest + data[end:])
