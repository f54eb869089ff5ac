"""Operations that put a picture into a larger frame, or cover its edges, and windows as training
pipelines cut them.

Whatever is random, such as the colour of a bar, is drawn from the generator passed in.
"""

import math
from collections.abc import Callable

from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont, ImageOps

from benchmarks.support.image_operations import ChooseWindow, Picture, RandomOperation, Window

PasteOnto = Callable[[Picture, Picture, Generator], Picture]
"""From a picture and a ground to the picture on that ground."""

BAR_COLOURS = ((0, 0, 0), (255, 255, 255), (128, 128, 128))
# grounds of drawn pages: paper, grey, blue, dark green
_GROUNDS = ((250, 248, 240), (225, 225, 230), (40, 70, 130), (30, 60, 45))
# torchvision's ranges
_LEAST_AREA, _RATIOS, _TRIES = 0.3, (3 / 4, 4 / 3), 10


def bar_colour(rng: Generator) -> tuple[int, int, int]:
    return BAR_COLOURS[rng.integers(len(BAR_COLOURS))]


def crop_to_ratio(ratio: float) -> ChooseWindow:
    """The widest centred window with this ratio of width to height; None where it is the whole."""

    def choose(window: Window, _: tuple[int, int], __: Generator) -> Window | None:
        height = round(window.width / ratio)
        if height >= window.height:
            return None
        return window._replace(top=window.top + (window.height - height) // 2, height=height)

    return choose


def cover_to_ratio(ratio: float) -> RandomOperation:
    """Bars over head and foot, so that a centred strip with this ratio remains visible."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        page = Image.new("RGB", picture.size, bar_colour(rng))
        height = round(picture.width / ratio)
        top = (picture.height - height) // 2
        page.paste(picture.crop((0, top, picture.width, top + height)), (0, top))
        return page

    return operate


def pad_to_ratio(ratio: float) -> RandomOperation:
    """Bars at head and foot, or at both sides, so that the whole has this ratio."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        width = max(picture.width, round(picture.height * ratio))
        height = max(picture.height, round(picture.width / ratio))
        page = Image.new("RGB", (width, height), bar_colour(rng))
        page.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
        return page

    return operate


def wider_than(ratio: float) -> ChooseWindow:
    """The same window; None unless it is wider than this ratio."""

    def choose(window: Window, _: tuple[int, int], __: Generator) -> Window | None:
        return window if window.width > ratio * window.height else None

    return choose


def add_margin(share: float) -> RandomOperation:
    """A bar along one random side; its width is a share of the picture's width or height."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        x, y = round(share * picture.width), round(share * picture.height)
        sides = ((x, 0, 0, 0), (0, y, 0, 0), (0, 0, x, 0), (0, 0, 0, y))
        return ImageOps.expand(picture, sides[rng.integers(4)], bar_colour(rng))

    return operate


def paste_onto(share: float) -> PasteOnto:
    """Paste a picture somewhere onto another one, so that it covers a share of the area."""

    def paste(picture: Picture, ground: Picture, rng: Generator) -> Picture:
        size = (round(picture.width / share**0.5), round(picture.height / share**0.5))
        page = ImageOps.fit(ground, size, Image.Resampling.LANCZOS)
        page.paste(picture, _somewhere(page, picture, rng))
        return page

    return paste


def paste_on_plain(share: float) -> RandomOperation:
    """Paste a picture somewhere onto a ground of one colour; it covers a share of the area."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        size = (round(picture.width / share**0.5), round(picture.height / share**0.5))
        page = Image.new("RGB", size, _GROUNDS[rng.integers(len(_GROUNDS))])
        page.paste(picture, _somewhere(page, picture, rng))
        return page

    return operate


def _somewhere(page: Picture, picture: Picture, rng: Generator) -> tuple[int, int]:
    left = int(rng.integers(page.width - picture.width + 1))
    return left, int(rng.integers(page.height - picture.height + 1))


def rotate_filled(degrees: float) -> RandomOperation:
    """Rotate clockwise or anticlockwise in the same frame; the corners become black, white or
    grey."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        angle = degrees * rng.choice((-1, 1))
        return picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=bar_colour(rng))

    return operate


def rotate_cropped(degrees: float) -> RandomOperation:
    """Rotate clockwise or anticlockwise, and cut off the corners."""

    def operate(picture: Picture, rng: Generator) -> Picture:
        turned = picture.rotate(degrees * rng.choice((-1, 1)), Image.Resampling.BICUBIC)
        whole = Window(0, 0, *picture.size)
        inner = inside_rotated(degrees)(whole, picture.size, rng)
        return inner.cut(turned) if inner else turned

    return operate


def inside_rotated(degrees: float) -> ChooseWindow:
    """The largest centred window of the same shape that has no corner of the frame, once rotated.

    A rectangle of half width w and half height h, scaled by s, stays inside where
    s (w cos + h sin) <= w and s (w sin + h cos) <= h.
    """
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def choose(window: Window, _: tuple[int, int], __: Generator) -> Window:
        ratio = window.width / window.height
        scale = 1 / (cosine + sine * max(ratio, 1 / ratio))
        width, height = math.floor(window.width * scale), math.floor(window.height * scale)
        left = window.left + (window.width - width) // 2
        return Window(left, window.top + (window.height - height) // 2, width, height)

    return choose


def centre_crop(window: Window, _: tuple[int, int], __: Generator) -> Window:
    """What ``CenterCrop(224)`` leaves of ``Resize(256)``."""
    side = round(min(window.width, window.height) * 224 / 256)
    left = window.left + (window.width - side) // 2
    return Window(left, window.top + (window.height - side) // 2, side, side)


def random_resized_crop(window: Window, _: tuple[int, int], rng: Generator) -> Window:
    """The window of ``RandomResizedCrop(scale=(0.3, 1))``: a random area and shape; after ten that
    don't fit, the whole window."""
    for _try in range(_TRIES):
        area = window.width * window.height * rng.uniform(_LEAST_AREA, 1)
        ratio = math.exp(rng.uniform(math.log(_RATIOS[0]), math.log(_RATIOS[1])))
        width, height = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if width <= window.width and height <= window.height:
            left = window.left + int(rng.integers(window.width - width + 1))
            return Window(
                left, window.top + int(rng.integers(window.height - height + 1)), width, height
            )
    return window


def resize_to(width: int, height: int) -> Callable[[Picture], Picture]:
    return lambda picture: picture.resize((width, height), Image.Resampling.BILINEAR)


def show_on_phone(picture: Picture, rng: Generator) -> Picture:
    """A screenshot of a phone: the picture as wide as the screen, bars at head and foot."""
    bar = round(0.3 * picture.width)
    dark = bool(rng.integers(2))
    page = Image.new("RGB", (picture.width, picture.height + 2 * bar), _shade(dark, 18))
    page.paste(picture, (0, bar))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(max(bar / 4, 8))
    gap = bar // 6
    draw.text(
        (gap, gap), f"{rng.integers(1, 13)}:{rng.integers(10, 60)}", _shade(not dark, 40), font
    )
    draw.text((gap, bar - gap), "< Gallery", _shade(not dark, 40), font, "ls")
    foot = page.height - bar // 2
    for step in range(4):
        centre = round((step + 0.5) * page.width / 4)
        radius = bar // 6
        draw.ellipse(
            (centre - radius, foot - radius, centre + radius, foot + radius), _shade(not dark, 90)
        )
    return page


def show_in_viewer(picture: Picture, rng: Generator) -> Picture:
    """A screenshot of a viewer of images: a title bar, a list at the left, a margin around."""
    unit = max(round(0.04 * picture.width), 2)
    dark = bool(rng.integers(2))
    size = (picture.width + 7 * unit, picture.height + 5 * unit)
    page = Image.new("RGB", size, _shade(dark, 35))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, 2 * unit), _shade(not dark, 120))
    font = ImageFont.load_default(max(1.2 * unit, 8))
    draw.text((unit, unit), f"IMG_{rng.integers(1000, 9999)}.jpg", _shade(dark, 20), font, "lm")
    for row in range(page.height // (3 * unit)):
        top = (3 + 3 * row) * unit
        colour = tuple(rng.integers(60, 200, 3).tolist())
        draw.rectangle((unit, top, 4 * unit, top + 2 * unit), colour)
    page.paste(picture, (5 * unit, 3 * unit))
    return page


def _shade(dark: bool, level: int) -> tuple[int, int, int]:
    return (level,) * 3 if dark else (255 - level,) * 3
