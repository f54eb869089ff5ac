"""Pictures decoded for a look, small enough to be quick and large enough to show thin strokes."""

import numpy as np
from numpy.typing import NDArray

from fastphash.images.decode_jpeg import decode_reduced_jpeg
from fastphash.images.preview import decode_small, resize_pixels
from fastphash.images.rendering import Rendering

#: Pixels of a picture's longer side, at most.
LOOK_SIDE = 768

# pixels of the longer side that a grey JPEG keeps, if it has them
_GREY_SIDE = 512


def decode_picture(
    data: bytes,
    *,
    exif: bool = False,
    side: int = LOOK_SIDE,
    rendering: Rendering | None = None,
    grey: bool = False,
) -> NDArray[np.uint8]:
    """Decode the first frame of an image for a look: uint8 (h, w, 3), or (h, w) if it is grey.

    Larger images are reduced; JPEGs are decoded at a reduced scale. It is white where it is
    transparent.

    Parameters
    ----------
    data : bytes
        Bytes of an image file.
    exif : bool
        Turn it by its EXIF orientation, as its hash did.
    side : int
        Pixels of the longer side, at most.
    rendering : Rendering, optional
        That of its hash.
    grey : bool
        Whether grey will do, to be aligned: ordinary JPEGs are decoded without their colours, with
        512 to 1,023 pixels on the longer side where they have more.

    Raises
    ------
    ImageError
        The bytes aren't an image of a supported format, or are damaged.
    """
    if grey and not exif and (jpeg := decode_reduced_jpeg(data, _GREY_SIDE, grey=True)):
        return jpeg.pixels
    return decode_small(data, side, exif=exif, rendering=rendering)


def match_sizes(
    left: NDArray[np.uint8], right: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two pictures of one frame reduced to the smaller width and the smaller height of both."""
    height, width = (min(sides) for sides in zip(left.shape[:2], right.shape[:2], strict=True))
    sized = (
        one if one.shape[:2] == (height, width) else resize_pixels(one, width, height)
        for one in (left, right)
    )
    return next(sized), next(sized)
