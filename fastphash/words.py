"""The field's words for values that several rooms use; imports nothing heavy."""

from typing import Literal, get_args

#: The symmetries of the square in canonical order, by Pillow's names; rotations counter-clockwise.
ORIENTATIONS = (
    "identity",
    "rotate_90",
    "rotate_180",
    "rotate_270",
    "flip_left_right",
    "flip_top_bottom",
    "transpose",
    "transverse",
)
#: INVERSE[t] undoes orientation t.
INVERSE = (0, 3, 2, 1, 4, 5, 6, 7)

#: Which pass of the resize came first in which Pillow.
PassOrder = Literal["horizontal", "pillow12.2", "pillow13"]
PASS_ORDERS: tuple[PassOrder, ...] = get_args(PassOrder)

#: Kinds of a pair, strongest first; columns of codes index this.
KINDS = ("identical", "exact", "augmented", "near", "collision")
IDENTICAL, EXACT, AUGMENTED, NEAR, COLLISION = range(5)
#: The kinds that make an image a copy.
COPY_KINDS = KINDS[:COLLISION]

#: Pixels along a side of a thumbnail, and cells of colour along a side of an image.
SIDE = 32
CHROMA_SIDE = 8

#: First of a row's 128 values of chroma where its colours aren't known; they are -127 to 127.
UNKNOWN_CHROMA = -128

#: How the colours of two images relate, as far as they are known.
COLOURS = ("same", "faded", "different")
SAME, FADED, DIFFERENT, UNKNOWN_COLOUR = range(4)

#: More pairs than this aren't listed unless asked for.
MAX_PAIRS = 100_000_000

#: Pairs that are looked at to tell how many are chance.
CALIBRATED_PAIRS = 1_000_000

#: The share of copies that thresholds are recommended for.
PRECISION = 0.99

#: The largest distance, in bits, at which an audit takes two images for copies unseen.
RADIUS = 4

#: How alike two thumbnails must be for a near pair to be a copy (see benchmarks/accuracy.py).
MIN_SCORE = 0.5

#: How many stored images a query names.
NEAREST = 5

#: How many groups of a report have pictures.
PICTURED = 200

#: How many pairs an evaluation shows that its truth doesn't list.
SHOWN_PAIRS = 100

#: Where the inspector is served.
PORT = 8000

#: Seconds that a worker may take for one image.
TIMEOUT = 30.0

#: The largest image that is decoded, in pixels: beyond it Pillow suspects a decompression bomb.
MAX_PIXELS = 178_956_970

#: What may be made of a clean plan.
Mode = Literal["lists", "copy", "hardlink", "symlink", "move"]
MODES: tuple[Mode, ...] = get_args(Mode)


def rough(number: float) -> str:
    """Two digits of a number that isn't negative, written out.

    >>> rough(0.614), rough(9.96), rough(12_345.6), rough(0.001), rough(0)
    ('0.61', '10', '12,000', 'less than 0.01', '0')
    """
    if 0 < number < 0.01:
        return "less than 0.01"
    return f"{number:.2g}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"
