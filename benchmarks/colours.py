"""Which edits change the colours of a picture so much that it is taken for another one?

Colours of edited copies are compared with those of their originals, as `fastphash.verify` does; and
things on a white ground with the same things in other colours, which are to be told apart.
"""

from collections.abc import Callable, Sequence

import common
import numpy as np
from edits import Edit, Picture, Plain, graded, hue, painted
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps
from pool import Pool, build, load, needles

from fastphash import images
from fastphash.kernels.colour import compare_colours
from fastphash.thumbnail import turned_indices
from fastphash.words import CHROMA_SIDE, DIFFERENT, FADED, UNKNOWN_COLOUR

# what each channel takes of red, green and blue
_SEPIA = (0.393, 0.769, 0.189, 0, 0.349, 0.686, 0.168, 0, 0.272, 0.534, 0.131, 0)


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    made = build(arguments.photos, arguments.count, 0)
    pictures = [edit for edit in graded() if not edit.turned]
    common.table(_HEADER, rows(made, [*pictures, *lamps()], lambda picture: picture))
    for share in (0.8, 0.6, 0.4):
        print(f"\nColourful pictures as things on white, {share:.0%} as wide and high\n")
        common.table(_HEADER, rows(made, recoloured(), on_white(share), _COLOURFUL))


# levels, root of the mean square over the cells: that of one picture in five
_COLOURFUL = 20.0
_HEADER = ("edit", "pairs", "different, %", "faded, %", "levels: median", "99 %")


def lamps() -> list[Edit]:
    """Other light, and the filters of cameras."""
    return [
        Edit("lamp", "warm", painted(gains(1.12, 1, 0.88))),
        Edit("lamp", "cold", painted(gains(0.88, 1, 1.12))),
        Edit("lamp", "very warm", painted(gains(1.2, 1, 0.75))),
        Edit("sepia", "", painted(lambda picture: picture.convert("RGB", _SEPIA))),
        Edit("autocontrast", "2 %", painted(lambda picture: ImageOps.autocontrast(picture, 2))),
        Edit("equalized", "", painted(ImageOps.equalize)),
    ]


def gains(*channels: float) -> Plain:
    """Each channel times a factor."""
    levels = [min(round(level * gain), 255) for gain in channels for level in range(256)]
    return lambda picture: picture.point(levels)


def recoloured() -> list[Edit]:
    """Hues turned, the colours as strong as they were or weaker."""
    return [
        Edit("hue", f"{degrees} deg, colour x {share:g}", painted(hue(degrees), faded(share)))
        for degrees in (0, 60, 120, 180)
        for share in (1, 0.5)
    ]


def faded(share: float) -> Plain:
    return lambda picture: ImageEnhance.Color(picture).enhance(share)


def on_white(share: float) -> Plain:
    def paint(picture: Picture) -> Picture:
        thing = ImageOps.scale(picture, share)
        page = Image.new("RGB", picture.size, "white")
        page.paste(thing, ((page.width - thing.width) // 2, (page.height - thing.height) // 2))
        return page

    return paint


def rows(
    made: Pool, edits: Sequence[Edit], placed: Callable[[Picture], Picture], least: float = 0.0
) -> list[tuple[str, ...]]:
    """Of each edit: how many pairs, and how their colours relate."""
    edit, colour, distance = judged(made, edits, placed, least)
    found = []
    for number, one in enumerate(edits):
        own = edit == number
        if own.any():
            median, most = np.quantile(distance[own], [0.5, 0.99])
            shares = ((colour[own] == code).mean() * 100 for code in (DIFFERENT, FADED))
            told = (f"{share:.1f}" for share in shares)
            found.append((one.name, f"{own.sum():,}", *told, f"{median:.1f}", f"{most:.1f}"))
    return found


def judged(
    made: Pool, edits: Sequence[Edit], placed: Callable[[Picture], Picture], least: float
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float32]]:
    """Of each copy of a picture with so much colour: its edit, and how its colours relate."""
    originals, copies, edit = [], [], []
    for number, (source, window) in enumerate(made.originals):
        picture = window.cut(load(made.sources[source]))
        if np.linalg.norm(chroma(picture)) < least * CHROMA_SIDE:
            continue
        own = chroma(placed(picture))
        for needle in needles(made, number, edits):
            originals.append(own)
            copies.append(chroma(placed(needle.picture)))
            edit.append(needle.edit)
    pairs = np.arange(len(edit))
    colour = np.full(pairs.size, UNKNOWN_COLOUR, np.uint8)
    distance = np.full(pairs.size, np.nan, np.float32)
    upright = np.zeros(pairs.size, np.uint8)
    turned = turned_indices(CHROMA_SIDE)
    ours, theirs = (
        np.array(made, np.int8).reshape(-1, 2 * CHROMA_SIDE**2) for made in (originals, copies)
    )
    compare_colours(ours, pairs, theirs, pairs, upright, turned, colour, distance)
    return np.array(edit), colour, distance


def chroma(picture: Picture) -> NDArray[np.int8]:
    return images.array_chroma(np.asarray(picture.convert("RGB"))).reshape(-1)


if __name__ == "__main__":
    main()
