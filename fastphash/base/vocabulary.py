"""The field's words for values that several packages use; imports nothing heavy."""

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
THUMBNAIL_SIDE = 32
CHROMA_SIDE = 8

#: First of a row's 128 values of chroma where its colours aren't known; they are -127 to 127.
UNKNOWN_CHROMA = -128

#: How the colours of two images relate, as far as they are known.
COLOURS = ("same", "faded", "different")
SAME, FADED, DIFFERENT, UNKNOWN_COLOUR = range(4)

#: What may be made of a clean plan.
CleanMode = Literal["lists", "copy", "hardlink", "symlink", "move"]
CLEAN_MODES: tuple[CleanMode, ...] = get_args(CleanMode)
