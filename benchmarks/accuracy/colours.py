"""Which edits change the colours of a picture so much that it is taken for a different one?

Colours of edited copies are compared with those of their originals, as in an audit. Then
things on white are compared with the same things in other colours, which should be different.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.support.command_line import make_parser
from benchmarks.support.dataset import Dataset, build_dataset, edited_copies
from benchmarks.support.edits import Edit, all_edits
from benchmarks.support.image_operations import Operation, Picture, sequence, turn_hue
from benchmarks.support.markdown import print_table
from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import CHROMA_SIDE, DIFFERENT, FADED, UNKNOWN_COLOUR
from fastphash.images.pixels import array_chroma
from fastphash.kernels.colour import compare_colours

# matrix from red, green, blue and 1 to each channel
_HEADER = ("edit", "pairs", "different, %", "faded, %", "levels: median", "99 %")
# root mean square of chroma over the cells, in levels: one picture in five exceeds it
_COLOURFUL = 20.0
_SEPIA = (0.393, 0.769, 0.189, 0, 0.349, 0.686, 0.168, 0, 0.272, 0.534, 0.131, 0)


def main() -> None:
    arguments = make_parser(__doc__, count=500).parse_args()
    dataset = build_dataset(arguments.photos, arguments.count, 0)
    upright = [edit for edit in all_edits() if not edit.turned]
    print_table(_HEADER, table_rows(dataset, [*upright, *colour_edits()], lambda picture: picture))
    for share in (0.8, 0.6, 0.4):
        print(f"\nColourful pictures on white, {share:.0%} as wide and high\n")
        print_table(_HEADER, table_rows(dataset, recoloured(), on_white(share), _COLOURFUL))


def colour_edits() -> list[Edit]:
    """Other lamps, and filters of photo software."""
    return [
        Edit("lamp", "warm", sequence(multiply_channels(1.12, 1, 0.88))),
        Edit("lamp", "cold", sequence(multiply_channels(0.88, 1, 1.12))),
        Edit("lamp", "very warm", sequence(multiply_channels(1.2, 1, 0.75))),
        Edit("sepia", "", sequence(lambda picture: picture.convert("RGB", _SEPIA))),
        Edit("autocontrast", "2 %", sequence(lambda picture: ImageOps.autocontrast(picture, 2))),
        Edit("equalized", "", sequence(ImageOps.equalize)),
    ]


def multiply_channels(*factors: float) -> Operation:
    """Multiply each channel by its factor."""
    levels = [min(round(level * factor), 255) for factor in factors for level in range(256)]
    return lambda picture: picture.point(levels)


def recoloured() -> list[Edit]:
    """Turned hues, with full and with half saturation."""
    return [
        Edit("hue", f"{degrees} deg, colour x {share:g}", sequence(turn_hue(degrees), fade(share)))
        for degrees in (0, 60, 120, 180)
        for share in (1, 0.5)
    ]


def fade(share: float) -> Operation:
    return lambda picture: ImageEnhance.Color(picture).enhance(share)


def on_white(share: float) -> Operation:
    def operate(picture: Picture) -> Picture:
        thing = ImageOps.scale(picture, share)
        page = Image.new("RGB", picture.size, "white")
        page.paste(thing, ((page.width - thing.width) // 2, (page.height - thing.height) // 2))
        return page

    return operate


def table_rows(
    dataset: Dataset, edits: Sequence[Edit], place: Operation, least: float = 0.0
) -> list[tuple[str, ...]]:
    """One row per edit: the number of pairs, and how their colours differ."""
    edit, colour, distance = compare_all(dataset, edits, place, least)
    rows = []
    for number, one in enumerate(edits):
        own = edit == number
        if own.any():
            median, most = np.quantile(distance[own], [0.5, 0.99])
            shares = ((colour[own] == code).mean() * 100 for code in (DIFFERENT, FADED))
            cells = (f"{value:.1f}" for value in (*shares, median, most))
            rows.append((one.name, f"{own.sum():,}", *cells))
    return rows


def compare_all(
    dataset: Dataset, edits: Sequence[Edit], place: Operation, least: float
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float32]]:
    """The edit, the colour code and the colour distance of each copy and its original.

    Pictures whose chroma is below `least` are left out; `place` is applied to both.
    """
    originals, copies, edit = [], [], []
    for number, window in enumerate(dataset.originals):
        picture = dataset.picture(window)
        if np.linalg.norm(chroma(picture)) < least * CHROMA_SIDE:
            continue
        own = chroma(place(picture))
        for needle in edited_copies(dataset, number, edits):
            originals.append(own)
            copies.append(chroma(place(needle.picture)))
            edit.append(needle.edit)
    pairs = np.arange(len(edit))
    colour = np.full(pairs.size, UNKNOWN_COLOUR, np.uint8)
    distance = np.full(pairs.size, np.nan, np.float32)
    upright = np.zeros(pairs.size, np.uint8)
    turned = orientation_indices(CHROMA_SIDE)
    ours, theirs = (
        np.array(cells, np.int8).reshape(-1, 2 * CHROMA_SIDE**2) for cells in (originals, copies)
    )
    compare_colours(ours, pairs, theirs, pairs, upright, turned, colour, distance)
    return np.array(edit), colour, distance


def chroma(picture: Picture) -> NDArray[np.int8]:
    return array_chroma(np.asarray(picture.convert("RGB"))).reshape(-1)


if __name__ == "__main__":
    main()
