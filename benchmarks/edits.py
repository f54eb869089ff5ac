"""What pictures go through between two data sets, in grades.

An edit moves the frame (what is cut out of the larger picture), or what is in it, or both. Whatever
is left to chance, such as the corner of a logo, comes from the generator that it is given.
"""

import io
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from fastphash.words import ORIENTATIONS

Picture = Image.Image
Plain = Callable[[Picture], Picture]

COMBINED = "combined"

_LEAST_SIDE = 16
_TURNS = (
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)
_WORDS = ("sold", "new", "north", "when you", "2023", "sample", "no way", "photo", "zone", "ours")


class Window(NamedTuple):
    """A rectangle of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, picture: Picture) -> Picture:
        return picture.crop((self.left, self.top, self.left + self.width, self.top + self.height))

    def moved(self, x: float, y: float) -> "Window":
        """By shares of its width and height."""
        left, top = self.left + round(x * self.width), self.top + round(y * self.height)
        return self._replace(left=left, top=top)

    def inside(self, size: tuple[int, int]) -> bool:
        right, bottom = self.left + self.width, self.top + self.height
        return self.left >= 0 and self.top >= 0 and right <= size[0] and bottom <= size[1]


Paint = Callable[[Picture, Generator], Picture]
Frame = Callable[[Window, tuple[int, int], Generator], Window | None]


def painted(*edits: Plain) -> Paint:
    """Edits that leave nothing to chance, one after the other."""

    def paint(picture: Picture, _: Generator) -> Picture:
        for edit in edits:
            picture = edit(picture)
        return picture

    return paint


def after(first: Paint, *edits: Plain) -> Paint:
    """An edit that leaves something to chance, and others after it."""
    return lambda picture, rng: painted(*edits)(first(picture, rng), rng)


def whole(window: Window, _: tuple[int, int], __: Generator) -> Window:
    return window


class Edit(NamedTuple):
    """One edit in one grade.

    Attributes
    ----------
    kind, grade : str
    paint : (picture, generator) -> picture
    frame : (window, size of the picture, generator) -> window, or None where there is no room
    turned : bool
        Whether it turns or mirrors the picture.
    """

    kind: str
    grade: str
    paint: Paint = painted()
    frame: Frame = whole
    turned: bool = False

    @property
    def name(self) -> str:
        return self.grade if self.kind == COMBINED else f"{self.kind} {self.grade}".strip()


def graded() -> list[Edit]:
    """Every edit in every grade."""
    return [*_saved_again(), *_framed(), *_turned(), *_lit(), *_covered(), *_combined()]


def _saved_again() -> Iterator[Edit]:
    for quality in (95, 75, 50, 30, 10):
        yield Edit("JPEG", f"{quality}", painted(saved(quality)))
    for quality in (80, 50, 20):
        yield Edit("WebP", f"{quality}", painted(saved(quality, "WEBP")))
    for scale in (0.1, 0.25, 0.5, 0.75, 1.5, 2):
        yield Edit("resize", f"x {scale:g}", painted(resized(scale)))


def _framed() -> Iterator[Edit]:
    for percent in (1, 2, 5, 10, 15, 20):
        yield Edit("crop, four sides", f"{percent} %", frame=cropped(percent / 100))
    for percent in (5, 10, 20):
        yield Edit("crop, one side", f"{percent} %", frame=cropped_once(percent / 100))
    for percent in (2, 5, 10):
        yield Edit("window moved", f"{percent} %", frame=moved(percent / 100))
    for percent in (2, 5, 10):
        yield Edit("shift, mirrored", f"{percent} %", shifted(percent / 100, "reflect"))
        yield Edit("shift, repeated", f"{percent} %", shifted(percent / 100, "edge"))
    for degrees in (1, 2, 3, 5):
        yield Edit("rotation", f"{degrees} deg", rotated(degrees))


def _turned() -> Iterator[Edit]:
    for name, turn in zip(ORIENTATIONS[1:], _TURNS, strict=True):
        yield Edit("turned", name, painted(transposed(turn)), turned=True)


def _lit() -> Iterator[Edit]:
    for factor in (0.5, 0.8, 1.25, 1.6):
        yield Edit("brightness", f"x {factor:g}", painted(brightness(factor)))
    for factor in (0.4, 0.7, 1.5, 2):
        yield Edit("contrast", f"x {factor:g}", painted(contrast(factor)))
    for power in (0.5, 0.75, 1.5, 2.2):
        yield Edit("gamma", f"{power:g}", painted(gamma(power)))
    yield Edit("grey", "", painted(grey))
    for degrees in (20, 60, 180):
        yield Edit("hue", f"{degrees} deg", painted(hue(degrees)))
    for percent in (0.5, 1, 2):
        yield Edit("blur", f"{percent:g} %", painted(blurred_by(percent / 100)))
    for sigma in (5, 15, 40):
        yield Edit("noise", f"{sigma}", noisy(sigma))


def _covered() -> Iterator[Edit]:
    for percent in (10, 20, 30):
        yield Edit("logo", f"{percent} %", logo(percent / 100))
    for percent in (2, 5, 10):
        yield Edit("border", f"{percent} %", border(percent / 100))
    for lines in (1, 2, 3):
        yield Edit("text", f"{lines} line" + "s" * (lines > 1), text(lines))


def _combined() -> Iterator[Edit]:
    def both(grade: str, *edits: Plain, frame: Frame = whole, turned: bool = False) -> Edit:
        return Edit(COMBINED, grade, painted(*edits), frame, turned)

    jpeg, half, crop = saved(50), resized(0.5), cropped(0.05)
    yield both("crop 5 + JPEG", jpeg, frame=crop)
    yield both("crop 5 + x 0.5 + JPEG", half, jpeg, frame=crop)
    yield both("crop 10 + gamma + JPEG", gamma(1.5), jpeg, frame=cropped(0.1))
    yield both("light + contrast + JPEG", brightness(1.25), contrast(1.5), jpeg)
    yield both("grey + x 0.5 + JPEG 30", grey, half, saved(30))
    yield Edit(COMBINED, "logo 20 + crop 5", logo(0.2), crop)
    yield Edit(COMBINED, "text + x 0.5 + JPEG 30", after(text(1), half, saved(30)))
    yield Edit(COMBINED, "border 5 + JPEG", after(border(0.05), jpeg))
    mirrored = transposed(Image.Transpose.FLIP_LEFT_RIGHT)
    yield both("mirror + JPEG 30", mirrored, saved(30), turned=True)
    yield both("mirror + crop 5 + JPEG", mirrored, jpeg, frame=crop, turned=True)
    turn = transposed(Image.Transpose.ROTATE_90)
    yield both("turned + light + x 0.5", turn, brightness(1.25), half, turned=True)


def saved(quality: int, name: str = "JPEG") -> Plain:
    def edit(picture: Picture) -> Picture:
        file = io.BytesIO()
        picture.save(file, name, quality=quality)
        return Image.open(file).convert("RGB")

    return edit


def resized(scale: float) -> Plain:
    """By Lanczos, but no side below 16 pixels."""

    def edit(picture: Picture) -> Picture:
        width, height = (max(round(side * scale), _LEAST_SIDE) for side in picture.size)
        return picture.resize((width, height), Image.Resampling.LANCZOS)

    return edit


def cropped(share: float) -> Frame:
    """Each side cut by a share of the width or height."""

    def frame(window: Window, _: tuple[int, int], __: Generator) -> Window:
        x, y = round(window.width * share), round(window.height * share)
        left, top, width, height = window
        return Window(left + x, top + y, width - 2 * x, height - 2 * y)

    return frame


def cropped_once(share: float) -> Frame:
    """One side, whichever, cut by a share of the width or height."""

    def frame(window: Window, _: tuple[int, int], rng: Generator) -> Window:
        left, top, width, height = window
        x, y = round(width * share), round(height * share)
        kept = (
            Window(left + x, top, width - x, height),
            Window(left, top, width - x, height),
            Window(left, top + y, width, height - y),
            Window(left, top, width, height - y),
        )
        return kept[rng.integers(4)]

    return frame


def moved(share: float) -> Frame:
    """Moved in the larger picture, in a direction in which there is room."""

    def frame(window: Window, size: tuple[int, int], rng: Generator) -> Window | None:
        angles = rng.uniform(0, 2 * math.pi) + np.arange(8) * math.pi / 4
        for angle in angles:
            there = window.moved(share * math.cos(angle), share * math.sin(angle))
            if there.inside(size):
                return there
        return None

    return frame


def shifted(share: float, mode: str) -> Paint:
    """Moved in its own frame; what comes in is mirrored or repeated: modes of ``numpy.pad``."""

    def paint(picture: Picture, rng: Generator) -> Picture:
        angle = rng.uniform(0, 2 * math.pi)
        width, height = picture.size
        x = math.ceil(share * width), round(share * width * math.cos(angle))
        y = math.ceil(share * height), round(share * height * math.sin(angle))
        # numpy names its modes by literals
        wide = np.pad(np.asarray(picture), ((y[0],) * 2, (x[0],) * 2, (0, 0)), mode=mode)  # type: ignore[call-overload]
        left, top = x[0] + x[1], y[0] + y[1]
        return Image.fromarray(wide[top : top + height, left : left + width])

    return paint


def rotated(degrees: float) -> Paint:
    """Either way round, in the same frame, the corners black."""

    def paint(picture: Picture, rng: Generator) -> Picture:
        return picture.rotate(degrees * rng.choice((-1, 1)), Image.Resampling.BICUBIC)

    return paint


def transposed(turn: Image.Transpose) -> Plain:
    return lambda picture: picture.transpose(turn)


def brightness(factor: float) -> Plain:
    return lambda picture: ImageEnhance.Brightness(picture).enhance(factor)


def contrast(factor: float) -> Plain:
    return lambda picture: ImageEnhance.Contrast(picture).enhance(factor)


def gamma(power: float) -> Plain:
    levels = [round(255 * (level / 255) ** power) for level in range(256)]
    return lambda picture: picture.point(levels * 3)


def grey(picture: Picture) -> Picture:
    return picture.convert("L").convert("RGB")


def hue(degrees: float) -> Plain:
    def edit(picture: Picture) -> Picture:
        turned, saturation, value = picture.convert("HSV").split()
        turned = turned.point([(level + round(degrees / 360 * 256)) % 256 for level in range(256)])
        return Image.merge("HSV", (turned, saturation, value)).convert("RGB")

    return edit


def blurred(radius: float) -> Plain:
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius))


def blurred_by(share: float) -> Plain:
    """A Gaussian whose sigma is a share of the width."""
    return lambda picture: blurred(share * picture.width)(picture)


def noisy(sigma: float) -> Paint:
    """Gaussian noise on each channel, in grey levels."""

    def paint(picture: Picture, rng: Generator) -> Picture:
        pixels = np.asarray(picture) + rng.normal(0, sigma, (*picture.size[::-1], 3))
        return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))

    return paint


def logo(share: float) -> Paint:
    """A round mark in a corner, as wide as a share of the shorter side."""

    def paint(picture: Picture, rng: Generator) -> Picture:
        picture = picture.copy()
        side = round(share * min(picture.size))
        gap = side // 8
        left = (gap, picture.width - side - gap)[rng.integers(2)]
        top = (gap, picture.height - side - gap)[rng.integers(2)]
        dark, light = rng.integers(0, 90, 3), rng.integers(180, 256, 3)
        draw = ImageDraw.Draw(picture)
        inner = side // 4
        for inset, colour in ((0, dark), (side // 10, light), (inner, dark)):
            box = (left + inset, top + inset, left + side - inset, top + side - inset)
            draw.ellipse(box, fill=tuple(colour.tolist()))
        return picture

    return paint


def border(share: float) -> Paint:
    """A frame around it, black or white, as thick as a share of the shorter side."""

    def paint(picture: Picture, rng: Generator) -> Picture:
        colour = ("black", "white")[rng.integers(2)]
        return ImageOps.expand(picture, max(round(share * min(picture.size)), 1), colour)

    return paint


def text(lines: int) -> Paint:
    """Lines of white letters with a black rim, each a tenth of the height, at the foot."""

    def paint(picture: Picture, rng: Generator) -> Picture:
        picture = picture.copy()
        draw = ImageDraw.Draw(picture)
        size = picture.height / 10
        font = ImageFont.load_default(size)
        for line in range(lines):
            words = " ".join(rng.choice(_WORDS, 3))
            foot = (picture.width / 2, picture.height - size * (0.5 + 1.2 * line))
            rim = max(round(size / 12), 1)
            draw.text(foot, words, "white", font, "ms", stroke_width=rim, stroke_fill="black")
        return picture

    return paint
