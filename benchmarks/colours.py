"""Which edits change the colours of a picture so much that it is taken for another one?

Colours of edited copies are compared with those of their originals, as `fastphash.verify` does.
"""

import common
import numpy as np
from edits import Edit, Picture, graded
from numpy.typing import NDArray
from pool import Pool, build, load, needles

from fastphash import images
from fastphash.kernels.colour import compare_colours
from fastphash.thumbnail import turned_indices
from fastphash.words import CHROMA_SIDE, DIFFERENT, FADED, UNKNOWN_COLOUR


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    made = build(arguments.photos, arguments.count, 0)
    edits = [edit for edit in graded() if not edit.turned]
    edit, colour, distance = judged(made, edits)
    rows = []
    for number, one in enumerate(edits):
        own = edit == number
        if own.any():
            median, most = np.quantile(distance[own], [0.5, 0.99])
            shares = ((colour[own] == code).mean() * 100 for code in (DIFFERENT, FADED))
            told = (f"{share:.1f}" for share in shares)
            rows.append((one.name, f"{own.sum():,}", *told, f"{median:.1f}", f"{most:.1f}"))
    common.table(("edit", "copies", "different, %", "faded, %", "levels: median", "99 %"), rows)


def judged(
    made: Pool, edits: list[Edit]
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float32]]:
    """Of each edited copy: its edit, and how its colours relate to its original's."""
    originals, copies, edit = [], [], []
    for number, (source, window) in enumerate(made.originals):
        own = chroma(window.cut(load(made.sources[source])))
        for needle in needles(made, number, edits):
            originals.append(own)
            copies.append(chroma(needle.picture))
            edit.append(needle.edit)
    rows = np.arange(len(edit))
    colour = np.full(rows.size, UNKNOWN_COLOUR, np.uint8)
    distance = np.full(rows.size, np.nan, np.float32)
    upright = np.zeros(rows.size, np.uint8)
    turned = turned_indices(CHROMA_SIDE)
    compare_colours(
        np.stack(originals), rows, np.stack(copies), rows, upright, turned, colour, distance
    )
    return np.array(edit), colour, distance


def chroma(picture: Picture) -> NDArray[np.int8]:
    return images.array_chroma(np.asarray(picture.convert("RGB"))).reshape(-1)


if __name__ == "__main__":
    main()
