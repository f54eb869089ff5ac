"""One picture in other light and by filters; and one thing in several colours."""

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from fastphash.base.vocabulary import DIFFERENT, FADED, SAME, SWAPPED
from fastphash.looks.colours import ColourLook, look_at_colours

SEPIA = (0.393, 0.769, 0.189, 0, 0.349, 0.686, 0.168, 0, 0.272, 0.534, 0.131, 0)
CLOTHS = {
    "red": (145, 30, 35),
    "blue": (37, 59, 142),
    "green": (29, 106, 52),
    "yellow": (190, 160, 29),
    "violet": (100, 40, 130),
    "orange": (205, 110, 30),
    "grey": (114, 114, 114),
    "black": (38, 37, 42),
}


def saved(picture, quality=85):
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def cloth(colour, mark=None):
    """A shirt on white, with creases, and with a mark in a colour of its own."""
    page = Image.new("RGB", (200, 240), "white")
    draw = ImageDraw.Draw(page)
    outline = [(50, 40), (80, 30), (120, 30), (150, 40), (185, 90), (160, 110), (145, 90)]
    outline += [(145, 220), (55, 220), (55, 90), (40, 110), (15, 90)]
    draw.polygon(outline, colour)
    if mark:
        draw.rectangle((70, 80, 130, 130), mark)
    creases = np.random.default_rng(0).integers(200, 256, (8, 7), np.uint8)
    light = np.asarray(Image.fromarray(creases).resize(page.size, Image.Resampling.BICUBIC))
    return Image.fromarray((np.asarray(page) * (light[..., None] / 255.0)).astype(np.uint8))


def blots(seed=0):
    """A picture of many hues."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(coarse).resize((240, 180), Image.Resampling.BICUBIC)


def pale(picture):
    """Under a warm lamp, and without black and white."""
    return picture.point([60 + round(level * 0.4) for level in range(256)] * 3).point(
        times(1.1, 1, 0.8)
    )


def times(*factors):
    return [min(round(level * factor), 255) for factor in factors for level in range(256)]


def power(exponent):
    return [round(255 * (level / 255) ** exponent) for level in range(256)] * 3


FILTERS = {
    "sepia": lambda p: p.convert("RGB", SEPIA),
    "autocontrast": lambda p: ImageOps.autocontrast(p, 2),
    "equalised": ImageOps.equalize,
    "grey": lambda p: p.convert("L"),
    "paler": lambda p: ImageEnhance.Color(p).enhance(0.5),
    "stronger": lambda p: ImageEnhance.Color(p).enhance(1.5),
    "warm": lambda p: p.point(times(1.12, 1, 0.88)),
    "cold": lambda p: p.point(times(0.88, 1, 1.12)),
}
LIGHTS = {
    "brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.25),
    "darker": lambda p: ImageEnhance.Brightness(p).enhance(0.7),
    "contrast": lambda p: ImageEnhance.Contrast(p).enhance(1.3),
    "gamma 0.6": lambda p: p.point(power(0.6)),
    "gamma 1.6": lambda p: p.point(power(1.6)),
}
SWAPS = [(2, 1, 0), (1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 0, 1)]


def swapped(picture, order):
    return Image.merge("RGB", [picture.split()[channel] for channel in order])


@pytest.mark.parametrize("name", [*FILTERS, *LIGHTS])
@pytest.mark.parametrize("seed", range(4))
def test_filters_and_light_leave_one_picture(name, seed):
    picture = blots(seed)
    other = (FILTERS | LIGHTS)[name](picture)
    found = look_at_colours(np.asarray(picture), saved(other))
    assert found.colour in {SAME, FADED}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_fade(name):
    picture = pale(blots())
    assert look_at_colours(np.asarray(picture), saved(FILTERS[name](picture))).colour == FADED


@pytest.mark.parametrize("quality", [50, 90])
def test_a_picture_saved_again_has_the_same_colours(quality):
    assert look_at_colours(np.asarray(blots()), saved(blots(), quality)) == ColourLook(SAME)


@pytest.mark.parametrize("order", SWAPS)
@pytest.mark.parametrize("seed", range(3))
def test_swapped_channels_are_one_picture_and_say_so(order, seed):
    found = look_at_colours(np.asarray(blots(seed)), saved(swapped(blots(seed), order)))
    assert found == ColourLook(SWAPPED)


@pytest.mark.parametrize(("one", "other"), list(combinations(CLOTHS, 2)))
def test_one_shirt_in_eight_colours_is_eight_shirts(one, other):
    left, right = (saved(cloth(CLOTHS[name])) for name in (one, other))
    found = look_at_colours(left, right)
    assert found == ColourLook(DIFFERENT)
    assert look_at_colours(right, left) == found


@pytest.mark.parametrize("order", SWAPS[:3])
def test_swapped_channels_of_one_thing_in_one_colour_are_another_colour(order):
    shirt = cloth(CLOTHS["orange"])
    assert look_at_colours(np.asarray(shirt), saved(swapped(shirt, order))).colour == DIFFERENT


@pytest.mark.parametrize(("one", "other"), list(combinations(list(CLOTHS)[:6], 2)))
def test_a_mark_that_keeps_its_colour_vouches_for_none(one, other):
    """Two hues, of which one changes: no rule of one foretells the other."""
    left, right = (saved(cloth(CLOTHS[name], (250, 190, 200))) for name in (one, other))
    assert look_at_colours(left, right) == ColourLook(DIFFERENT)


@pytest.mark.parametrize("name", ["grey", "paler", "warm", "cold", "sepia"])
@pytest.mark.parametrize("colour", ["red", "blue", "green", "yellow"])
def test_copies_of_a_thing_in_one_colour(name, colour):
    shirt = cloth(CLOTHS[colour])
    assert look_at_colours(np.asarray(shirt), saved(FILTERS[name](shirt))).colour == FADED


@pytest.mark.parametrize("name", LIGHTS)
@pytest.mark.parametrize("colour", ["red", "blue", "green", "yellow"])
def test_a_thing_in_other_light(name, colour):
    shirt = cloth(CLOTHS[colour])
    assert look_at_colours(np.asarray(shirt), saved(LIGHTS[name](shirt))).colour != DIFFERENT


def test_grey_and_tiny_pictures():
    grey = np.asarray(blots().convert("L"))
    assert look_at_colours(grey, grey.copy()) == ColourLook(SAME)
    assert look_at_colours(np.asarray(blots()), grey).colour == FADED
    tiny = np.zeros((4, 300, 3), np.uint8)
    assert look_at_colours(tiny, tiny + np.uint8(9)) == ColourLook(SAME, sure=False)
    flat = np.full((30, 30, 3), 77, np.uint8)
    assert look_at_colours(flat, flat) == ColourLook(SAME)
