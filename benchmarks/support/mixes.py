"""Two mixes of edits: the plain one of edits.py, and a harder one.

The edits of the harder mix show another part of the picture, or show it smaller, so that its frame
and the original's agree nowhere: crops that leave little, bars, grounds, screens, and what training
pipelines make.
"""

from collections.abc import Iterator

from PIL import Image

from benchmarks.support.edits import COMBINED, Edit, all_edits
from benchmarks.support.framing import (
    add_margin,
    centre_crop,
    cover_to_ratio,
    crop_to_ratio,
    inside_rotated,
    pad_to_ratio,
    paste_on_plain,
    paste_onto,
    random_resized_crop,
    resize_to,
    rotate_cropped,
    rotate_filled,
    show_in_viewer,
    show_on_phone,
    wider_than,
)
from benchmarks.support.image_operations import (
    add_border,
    crop_all_sides,
    crop_one_side,
    resize,
    save,
    sequence,
    shift_window,
    transpose,
)

PLAIN, HARDER, BOTH = "plain", "harder", "both"


def harder_edits() -> list[Edit]:
    """Every edit of the harder mix, in every grade."""
    return [*_cropped(), *_framed(), *_pasted(), *_rotated(), *_trained(), *_combined()]


def _cropped() -> Iterator[Edit]:
    for percent in (25, 30):
        yield Edit("crop, four sides", f"{percent} %", choose_window=crop_all_sides(percent / 100))
    yield Edit("crop, one side", "30 %", choose_window=crop_one_side(0.3))
    yield Edit("window moved", "20 %", choose_window=shift_window(0.2))


def _framed() -> Iterator[Edit]:
    for name, ratio in (("16:9", 16 / 9), ("2.35:1", 2.35)):
        strip = crop_to_ratio(ratio)
        yield Edit("letterbox, covering", name, cover_to_ratio(ratio), show=strip)
    wide = wider_than(1)
    yield Edit("letterbox, added", "square", pad_to_ratio(1), wide)
    yield Edit("letterbox, added", "4:5", pad_to_ratio(4 / 5))
    yield Edit("pillarbox", "16:9", pad_to_ratio(16 / 9))
    yield Edit("pillarbox", "2.35:1", pad_to_ratio(2.35))
    yield Edit("border", "20 %", add_border(0.2))
    for percent in (20, 30):
        yield Edit("margin, one side", f"{percent} %", add_margin(percent / 100))


def _pasted() -> Iterator[Edit]:
    for percent in (40, 55, 70):
        yield Edit("pasted into a picture", f"{percent} %", paste=paste_onto(percent / 100))
    for percent in (40, 70):
        yield Edit("pasted on plain ground", f"{percent} %", paste_on_plain(percent / 100))
    yield Edit("screenshot", "phone", show_on_phone)
    yield Edit("screenshot", "viewer", show_in_viewer)


def _rotated() -> Iterator[Edit]:
    for degrees in (5, 10):
        grade = f"{degrees} deg"
        yield Edit("rotation, filled", grade, rotate_filled(degrees))
        inner = inside_rotated(degrees)
        yield Edit("rotation, cropped", grade, rotate_cropped(degrees), show=inner)


def _trained() -> Iterator[Edit]:
    square = resize_to(224, 224)
    mirrored = transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    yield Edit("CenterCrop", "", sequence(square), centre_crop)
    random = "RandomResizedCrop"
    yield Edit(random, "0.3 to 1", sequence(square), random_resized_crop)
    yield Edit(random, "mirrored", sequence(square, mirrored), random_resized_crop, turned=True)


def _combined() -> Iterator[Edit]:
    mirrored = transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for percent in (10, 20):
        crop = crop_all_sides(percent / 100)
        name = f"crop {percent} + mirror"
        yield Edit(COMBINED, name, sequence(mirrored), crop, turned=True)
        name = f"crop {percent} + JPEG 50 + x 0.5"
        yield Edit(COMBINED, name, sequence(save(50), resize(0.5)), crop)


# fingerprints and counts name an edit by its row in this list
EDITS = [*all_edits(), *harder_edits()]


def rows_of(mix: str) -> range:
    """The rows of EDITS that `plain`, `harder` or `both` stands for."""
    plain = len(all_edits())
    return {PLAIN: range(plain), HARDER: range(plain, len(EDITS)), BOTH: range(len(EDITS))}[mix]


def parts_of(mix: str) -> list[str]:
    """The mixes that are measured: `both` are three, each alone and the two together."""
    return [PLAIN, HARDER, BOTH] if mix == BOTH else [mix]
