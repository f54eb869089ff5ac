"""Names that several packages share: orientations, kinds, pass orders. Imports nothing heavy."""

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

#: Which pass of the resize comes first: always the horizontal one, or as in a version of Pillow.
PassOrder = Literal["horizontal", "pillow12.2", "pillow13"]
PASS_ORDERS: tuple[PassOrder, ...] = get_args(PassOrder)

#: Kinds of pairs, strongest first; columns hold indices into this.
KINDS = (
    "identical",
    "exact",
    "augmented",
    "near",
    "cropped",
    "altered",
    "collision",
    "unverified",
)
IDENTICAL, EXACT, AUGMENTED, NEAR, CROPPED, ALTERED, COLLISION, UNVERIFIED = range(8)
#: Kinds of pairs that are copies.
COPY_KINDS = KINDS[:COLLISION]
#: Kinds that leave no doubt: what `clean` removes and `--fail-on-leak` counts by default.
SURE_KINDS = KINDS[:NEAR]
#: Those that thumbnails tell: their pixels may differ in a small place.
THUMBNAIL_KINDS = (EXACT, AUGMENTED)
#: Beside kinds that `clean` removes: copies of `THUMBNAIL_KINDS` whose pixels nobody compared.
UNLOOKED = "unlooked"
#: What counts of pairs are listed under, strongest first: their kinds, and `confirmed` for copies
#: by decision whose kind leaves doubt.
CONFIRMED = "confirmed"
COUNTED = (*SURE_KINDS, CONFIRMED, *KINDS[NEAR:])
#: Those that are copies.
COUNTED_COPIES = COUNTED[: COUNTED.index(KINDS[COLLISION])]

#: Pixels along a side of a thumbnail, and chroma cells along a side of an image.
THUMBNAIL_SIDE = 32
CHROMA_SIDE = 8

#: The first of a row's 128 chroma values if its colours are unknown; known ones are -127 to 127.
UNKNOWN_CHROMA = -128

#: How the colours of two images relate; the last code stands for unknown colours.
COLOURS = ("same", "faded", "different", "swapped")
SAME, FADED, DIFFERENT, SWAPPED, UNKNOWN_COLOUR = range(5)

#: Whether the decoded pixels of two images are equal, alpha and all frames included.
OTHER_PIXELS, SAME_PIXELS, UNKNOWN_PIXELS = range(3)

#: The greatest distance of two hashes that is counted: 256 bits that all differ count as 255.
FURTHEST = 255
#: The last distance of each bar of a chart, or column of a table, by the bits of a hash.
DISTANCE_STEPS = {
    64: (0, 1, 2, 3, 4, 6, 8, 12, 16, 64),
    256: (0, 2, 4, 8, 12, 16, 24, 31, 64, FURTHEST),
}

#: Which windows of images are compared: none; middles, and what bars leave; or also windows off the
#: centre.
ViewSet = Literal["none", "centre", "all"]
VIEW_SETS: tuple[ViewSet, ...] = get_args(ViewSet)

#: Ways to apply a clean plan.
CleanMode = Literal["lists", "copy", "hardlink", "symlink", "move"]
CLEAN_MODES: tuple[CleanMode, ...] = get_args(CleanMode)

#: Whether a clean plan keeps copies whose labels disagree, or lets them go.
ConflictRule = Literal["keep", "drop"]
CONFLICT_RULES: tuple[ConflictRule, ...] = get_args(ConflictRule)
