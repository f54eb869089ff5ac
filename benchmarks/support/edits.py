"""The edits that copies go through, most kinds in several grades; mixes.py has harder ones.

An edit chooses another window of the larger picture, or changes the pixels, or both. The name of an
edit seeds its generator.
"""

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from benchmarks.support.framing import PasteOnto
from benchmarks.support.image_operations import (
    ChooseWindow,
    Operation,
    RandomOperation,
    add_border,
    add_logo,
    add_noise,
    add_text,
    blur_by_share,
    change_brightness,
    change_contrast,
    change_gamma,
    crop_all_sides,
    crop_one_side,
    make_grey,
    resize,
    rotate,
    same_window,
    save,
    sequence,
    shift_content,
    shift_window,
    then,
    transpose,
    turn_hue,
)
from fastphash.base.vocabulary import ORIENTATIONS

COMBINED = "combined"

_TRANSPOSES = (
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)


class Edit(NamedTuple):
    """One edit in one grade.

    Attributes
    ----------
    kind, grade : str
    operate : RandomOperation
        Applied to the pixels of the window.
    choose_window : ChooseWindow
        Applied before.
    turned : bool
        Whether it turns or mirrors the picture.
    show : ChooseWindow
        From the window to the part of it that remains visible; None where there is no such part,
        and so no copy.
    paste : PasteOnto, optional
        Applied last, with another picture of the data set as the ground.
    """

    kind: str
    grade: str
    operate: RandomOperation = sequence()
    choose_window: ChooseWindow = same_window
    turned: bool = False
    show: ChooseWindow = same_window
    paste: PasteOnto | None = None

    @property
    def name(self) -> str:
        return self.grade if self.kind == COMBINED else f"{self.kind} {self.grade}".strip()


def all_edits() -> list[Edit]:
    """Every edit of the plain mix, in every grade."""
    return [*_compressed(), *_cropped(), *_turned(), *_recoloured(), *_covered(), *_combined()]


def _compressed() -> Iterator[Edit]:
    for quality in (95, 75, 50, 30, 10):
        yield Edit("JPEG", f"{quality}", sequence(save(quality)))
    for quality in (80, 50, 20):
        yield Edit("WebP", f"{quality}", sequence(save(quality, "WEBP")))
    for scale in (0.1, 0.25, 0.5, 0.75, 1.5, 2):
        yield Edit("resize", f"x {scale:g}", sequence(resize(scale)))


def _cropped() -> Iterator[Edit]:
    for percent in (1, 2, 5, 10, 15, 20):
        yield Edit("crop, four sides", f"{percent} %", choose_window=crop_all_sides(percent / 100))
    for percent in (5, 10, 20):
        yield Edit("crop, one side", f"{percent} %", choose_window=crop_one_side(percent / 100))
    for percent in (2, 5, 10):
        yield Edit("window moved", f"{percent} %", choose_window=shift_window(percent / 100))
    for percent in (2, 5, 10):
        yield Edit("shift, mirrored", f"{percent} %", shift_content(percent / 100, "reflect"))
        yield Edit("shift, repeated", f"{percent} %", shift_content(percent / 100, "edge"))
    for degrees in (1, 2, 3, 5):
        yield Edit("rotation", f"{degrees} deg", rotate(degrees))


def _turned() -> Iterator[Edit]:
    for name, turn in zip(ORIENTATIONS[1:], _TRANSPOSES, strict=True):
        yield Edit("turned", name, sequence(transpose(turn)), turned=True)


def _recoloured() -> Iterator[Edit]:
    for factor in (0.5, 0.8, 1.25, 1.6):
        yield Edit("brightness", f"x {factor:g}", sequence(change_brightness(factor)))
    for factor in (0.4, 0.7, 1.5, 2):
        yield Edit("contrast", f"x {factor:g}", sequence(change_contrast(factor)))
    for power in (0.5, 0.75, 1.5, 2.2):
        yield Edit("gamma", f"{power:g}", sequence(change_gamma(power)))
    yield Edit("grey", "", sequence(make_grey))
    for degrees in (20, 60, 180):
        yield Edit("hue", f"{degrees} deg", sequence(turn_hue(degrees)))
    for percent in (0.5, 1, 2):
        yield Edit("blur", f"{percent:g} %", sequence(blur_by_share(percent / 100)))
    for sigma in (5, 15, 40):
        yield Edit("noise", f"{sigma}", add_noise(sigma))


def _covered() -> Iterator[Edit]:
    for percent in (10, 20, 30):
        yield Edit("logo", f"{percent} %", add_logo(percent / 100))
    for percent in (2, 5, 10):
        yield Edit("border", f"{percent} %", add_border(percent / 100))
    for lines in (1, 2, 3):
        yield Edit("text", f"{lines} line" + "s" * (lines > 1), add_text(lines))


def _combined() -> Iterator[Edit]:
    def combine(
        grade: str,
        *operations: Operation,
        choose: ChooseWindow = same_window,
        turned: bool = False,
    ) -> Edit:
        return Edit(COMBINED, grade, sequence(*operations), choose, turned)

    jpeg, half, crop = save(50), resize(0.5), crop_all_sides(0.05)
    yield combine("crop 5 + JPEG", jpeg, choose=crop)
    yield combine("crop 5 + x 0.5 + JPEG", half, jpeg, choose=crop)
    yield combine("crop 10 + gamma + JPEG", change_gamma(1.5), jpeg, choose=crop_all_sides(0.1))
    yield combine("light + contrast + JPEG", change_brightness(1.25), change_contrast(1.5), jpeg)
    yield combine("grey + x 0.5 + JPEG 30", make_grey, half, save(30))
    yield Edit(COMBINED, "logo 20 + crop 5", add_logo(0.2), crop)
    yield Edit(COMBINED, "text + x 0.5 + JPEG 30", then(add_text(1), half, save(30)))
    yield Edit(COMBINED, "border 5 + JPEG", then(add_border(0.05), jpeg))
    mirrored = transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    yield combine("mirror + JPEG 30", mirrored, save(30), turned=True)
    yield combine("mirror + crop 5 + JPEG", mirrored, jpeg, choose=crop, turned=True)
    turn = transpose(Image.Transpose.ROTATE_90)
    yield combine("turned + light + x 0.5", turn, change_brightness(1.25), half, turned=True)
