"""Operations on pictures, and windows of them.

Whatever is random, such as the corner of a logo, is drawn from the generator passed in.
"""

import io
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Picture = Image.Image

_LEAST_SIDE = 16
_WORDS = ("sold", "new", "north", "when you", "2023", "sample", "no way", "photo", "zone", "ours")


class Window(NamedTuple):
    """A rectangle of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, picture: Picture) -> Picture:
        return picture.crop((self.left, self.top, self.left + self.width, self.top + self.height))

    def shifted(self, x: float, y: float) -> "Window":
        """Shifted by shares of its width and height."""
        left, top = self.left + round(x * self.width), self.top + round(y * self.height)
        return self._replace(left=left, top=top)

    def inside(self, size: tuple[int, int]) -> bool:
        right, bottom = self.left + self.width, self.top + self.height
        return self.left >= 0 and self.top >= 0 and right <= size[0] and bottom <= size[1]


Operation = Callable[[Picture], Picture]
RandomOperation = Callable[[Picture, Generator], Picture]
ChooseWindow = Callable[[Window, tuple[int, int], Generator], Window | None]
"""From a window and the size of its picture to another window; None where there is no room."""


def sequence(*operations: Operation) -> RandomOperation:
    """Operations without randomness, one after the other."""

    def operate(picture: Picture, _: Generator) -> Picture:
        for operation in operations:
            picture = operation(picture)
        return picture

    return operate


def then(first: RandomOperation, *operations: Operation) -> RandomOperation:
    """A random operation, followed by others."""
    return lambda picture, rng: sequence(*operations)(first(picture, rng), rng)


def same_window(window: Window, _: tuple[int, int], __: Generator) -> Window:
    return window


def save(quality: int, name: str = "JPEG") -> Operation:
    def operate(picture: Picture) -> Picture:
        file = io.BytesIO()
        picture.save(file, name, quality=quality)
        return Image.open(file).convert("RGB")

    return operate


def resize(scale: float) -> Operation:
    """Resize by Lanczos, with no side below 16 pixels."""

    def operate(picture: Picture) -> Picture:
        width, height = (max(round(side * scale), _LEAST_SIDE) for side in picture.size)
        return picture.resize((width, height), Image.Resampling.LANCZOS)

    return operate


def crop_all_sides(share: float) -> ChooseWindow:
    """Cut each side by a share of the width or height."""

    def choose(window: Window, _: tuple[int, int], __: Generator) -> Window:
        x, y = round(window.width * share), round(window.height * share)
        left, top, width, height = window
        return Window(left + x, top + y, width - 2 * x, height - 2 * y)

    return choose


def crop_one_side(share: float) -> ChooseWindow:
    """Cut a random side by a share of the width or height."""

    def choose(window: Window, _: tuple[int, int], rng: Generator) -> Window:
        left, top, width, height = window
        x, y = round(width * share), round(height * share)
        kept = (
            Window(left + x, top, width - x, height),
            Window(left, top, width - x, height),
            Window(left, top + y, width, height - y),
            Window(left, top, width, height - y),
        )
        return kept[rng.integers(4)]

    return choose


def shift_window(share: float) -> ChooseWindow:
    """Shift the window within its picture, in a random direction with enough room."""

    def choose(window: Window, size: tuple[int, int], rng: Generator) -> Window | None:
        angles = rng.uniform(0, 2 * math.pi) + np.arange(8) * math.pi / 4
        for angle in angles:
            shifted = window.shifted(share * math.cos(angle), share * math.sin(angle))
            if shifted.inside(size):
                return shifted
        return None

    return choose


def shift_content(share: float, mode: str) -> RandomOperation:
    """Shift the content and keep the frame; `mode` of ``numpy.pad`` fills the gap."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        angle = rng.uniform(0, 2 * math.pi)
        width, height = picture.size
        x = math.ceil(share * width), round(share * width * math.cos(angle))
        y = math.ceil(share * height), round(share * height * math.sin(angle))
        # numpy types its modes as literals
        wide = np.pad(np.asarray(picture), ((y[0],) * 2, (x[0],) * 2, (0, 0)), mode=mode)  # type: ignore[call-overload]
        left, top = x[0] + x[1], y[0] + y[1]
        return Image.fromarray(wide[top : top + height, left : left + width])

    return operate


def rotate(degrees: float) -> RandomOperation:
    """Rotate clockwise or anticlockwise in the same frame; the corners become black."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        return picture.rotate(degrees * rng.choice((-1, 1)), Image.Resampling.BICUBIC)

    return operate


def transpose(turn: Image.Transpose) -> Operation:
    return lambda picture: picture.transpose(turn)


def change_brightness(factor: float) -> Operation:
    return lambda picture: ImageEnhance.Brightness(picture).enhance(factor)


def change_contrast(factor: float) -> Operation:
    return lambda picture: ImageEnhance.Contrast(picture).enhance(factor)


def change_gamma(power: float) -> Operation:
    levels = [round(255 * (level / 255) ** power) for level in range(256)]
    return lambda picture: picture.point(levels * 3)


def make_grey(picture: Picture) -> Picture:
    return picture.convert("L").convert("RGB")


def turn_hue(degrees: float) -> Operation:
    def operate(picture: Picture) -> Picture:
        turned, saturation, value = picture.convert("HSV").split()
        turned = turned.point([(level + round(degrees / 360 * 256)) % 256 for level in range(256)])
        return Image.merge("HSV", (turned, saturation, value)).convert("RGB")

    return operate


def blur(radius: float) -> Operation:
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius))


def blur_by_share(share: float) -> Operation:
    """Gaussian blur whose sigma is a share of the width."""
    return lambda picture: blur(share * picture.width)(picture)


def add_noise(sigma: float) -> RandomOperation:
    """Gaussian noise on each channel, with sigma in grey levels."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        pixels = np.asarray(picture) + rng.normal(0, sigma, (*picture.size[::-1], 3))
        return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))

    return operate


def add_logo(share: float) -> RandomOperation:
    """A round logo in a random corner; its width is a share of the shorter side."""

    def operate(picture: Picture, rng: Generator) -> Picture:
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

    return operate


def add_border(share: float) -> RandomOperation:
    """A black or white border around the picture; its width is a share of the shorter side."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        colour = ("black", "white")[rng.integers(2)]
        return ImageOps.expand(picture, max(round(share * min(picture.size)), 1), colour)

    return operate


def add_text(lines: int) -> RandomOperation:
    """Lines of white text with a black rim at the foot, each a tenth of the height."""

    def operate(picture: Picture, rng: Generator) -> Picture:
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

    return operate
