"""A place that differs is found; what was saved again, resized or recoloured differs nowhere."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from fastphash.errors import UsageError
from fastphash.images.encode import encode
from fastphash.looks.local_change import CHANGED, find_local_change
from fastphash.looks.pictures import decode_picture, match_sizes

BOX = (150, 60, 186, 84)


@pytest.fixture
def picture(photo):
    return Image.fromarray(photo(200, 260, 5))


def with_digits(picture, text):
    """A picture with a counter in BOX."""
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    draw.rectangle(BOX, fill=(20, 20, 20))
    draw.text((BOX[0] + 4, BOX[1] + 4), text, (240, 240, 240), font_size=14)
    return picture


def saved(picture, **options):
    file = io.BytesIO()
    picture.save(file, **options)
    return np.asarray(Image.open(file).convert("RGB"))


def strength(left, right):
    pixels = match_sizes(np.asarray(left), np.asarray(right))
    return find_local_change(*pixels).strength


@pytest.mark.parametrize("options", [{"format": "PNG"}, {"format": "JPEG", "quality": 75}])
def test_another_digit_is_found_where_it_is(picture, options):
    left = saved(with_digits(picture, "4711"), **options)
    right = saved(with_digits(picture, "4718"), **options)
    change = find_local_change(left, right)
    assert change.strength >= CHANGED
    assert change.share < 0.1
    box = np.array(change.place) * [260, 200, 260, 200]
    assert (box[:2] >= np.array(BOX[:2]) - 3).all()
    assert (box[2:] <= np.array(BOX[2:]) + 3).all()
    assert box[0] < box[2]
    assert box[1] < box[3]


def test_the_order_of_the_two_changes_nothing(picture):
    left, right = (np.asarray(with_digits(picture, text)) for text in ("4711", "4718"))
    assert find_local_change(left, right) == find_local_change(right, left)


def test_another_colour_of_the_same_light_is_found(picture):
    left, right = np.array(picture), np.array(picture)
    left[40:60, 40:60] = (200, 60, 60)
    right[40:60, 40:60] = (60, 127, 80)
    assert find_local_change(left, right).strength >= CHANGED


RECOLOURED = {
    "brightness": lambda p: ImageEnhance.Brightness(p).enhance(1.25),
    "contrast": lambda p: ImageEnhance.Contrast(p).enhance(0.7),
    "gamma": lambda p: p.point([round(255 * (i / 255) ** 0.5) for i in range(256)] * 3),
    "equalized": ImageOps.equalize,
    "autocontrast": lambda p: ImageOps.autocontrast(p, 2),
    "grey": lambda p: p.convert("L"),
    "swapped": lambda p: Image.merge("RGB", p.split()[::-1]),
    "half": lambda p: p.resize((130, 100)),
    "larger": lambda p: p.resize((390, 300)),
}


@pytest.mark.parametrize("name", RECOLOURED)
def test_a_recoloured_or_resized_copy_differs_nowhere(picture, name):
    copy = with_digits(picture, "4711")
    assert strength(copy, RECOLOURED[name](copy)) < CHANGED


@pytest.mark.parametrize("name", ["brightness", "gamma", "grey", "larger"])
def test_another_digit_is_found_in_a_recoloured_or_resized_copy(picture, name):
    other = RECOLOURED[name](with_digits(picture, "4788"))
    assert strength(with_digits(picture, "4711"), other) >= CHANGED


@pytest.mark.parametrize("quality", [50, 75, 95])
@pytest.mark.parametrize("form", ["JPEG", "WebP"])
def test_a_copy_saved_again_differs_nowhere(picture, form, quality):
    copy = with_digits(picture, "4711")
    change = find_local_change(np.asarray(copy), saved(copy, format=form, quality=quality))
    assert 0 < change.strength < CHANGED
    assert np.isnan(change.place).all()


def test_a_page_that_holds_a_number_alone(photo):
    pages = []
    for number in (101, 107):
        page = Image.new("L", (310, 438), 255)
        ImageDraw.Draw(page).text((150, 410), str(number), 0, font_size=12)
        pages.append(np.asarray(page))
    assert find_local_change(*pages).strength >= CHANGED
    same = find_local_change(pages[0], pages[0].copy())
    assert same.strength == same.share == 0
    assert np.isnan(same.place).all()


def test_a_number_on_an_empty_page():
    page = Image.new("L", (310, 438), 255)
    numbered = page.copy()
    ImageDraw.Draw(numbered).text((150, 410), "12", 0, font_size=12)
    assert strength(page, numbered) >= CHANGED
    assert strength(numbered, page) >= CHANGED


def test_flat_pictures_differ_by_their_spots_alone():
    flat = np.full((64, 64, 3), 90, np.uint8)
    assert find_local_change(flat, flat + np.uint8(20)).strength < CHANGED
    spotted = flat.copy()
    spotted[20:26, 30:36] = 200
    change = find_local_change(flat, spotted)
    assert change.strength >= CHANGED
    assert change.place[0] < 33 / 64 < change.place[2]


@pytest.mark.slow
def test_pictures_of_real_pages_meters_and_forms(shared):
    for folder in ("pageno", "meters", "forms"):
        files = sorted((shared / "cases" / "08-small-differences" / folder).iterdir())
        pixels = [decode_picture(path.read_bytes()) for path in files]
        for left, right in pairwise(pixels):
            assert find_local_change(left, right).strength >= CHANGED


def test_pictures_of_other_sizes_or_kinds_are_refused():
    grey = np.zeros((40, 50), np.uint8)
    with pytest.raises(UsageError, match="not of 50 x 40 and 50 x 39 pixels"):
        find_local_change(grey, grey[:-1])
    with pytest.raises(UsageError, match=r"a picture is uint8 .*, not float64 \(40, 50\)"):
        find_local_change(grey, grey.astype(float))
    with pytest.raises(UsageError, match=r"a picture is uint8 .*, not uint8 \(40, 50, 4\)"):
        find_local_change(np.zeros((40, 50, 4), np.uint8), grey)


@pytest.mark.parametrize("shape", [(1, 1), (31, 400), (1, 500)])
def test_pictures_too_small_to_compare_differ_nowhere(shape):
    black = np.zeros(shape, np.uint8)
    assert find_local_change(black, black + np.uint8(9)).strength == 0


def test_sizes_are_matched_by_reducing():
    left, right = np.zeros((40, 60, 3), np.uint8), np.zeros((50, 30), np.uint8)
    one, other = match_sizes(left, right)
    assert one.shape == (40, 30, 3)
    assert other.shape == (40, 30)
    assert match_sizes(left, left)[0] is left


def test_a_picture_is_decoded_small_in_colour_and_turned_by_exif(photo, picture):
    large = encode(np.tile(photo(60, 120, 3), (15, 15, 1)), "JPEG", 90)
    assert decode_picture(large).shape == (300, 600, 3)
    assert decode_picture(large, side=128).shape[:2] == (57, 113)
    # as libjpeg reduces it: 512 pixels are left
    assert decode_picture(large, grey=True).shape == (450, 900)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    assert decode_picture(file.getvalue()).shape == (200, 260, 3)
    assert decode_picture(file.getvalue(), exif=True).shape == (260, 200, 3)
    assert decode_picture(file.getvalue(), exif=True, grey=True).shape[:2] == (260, 200)
