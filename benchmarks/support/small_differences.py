"""Sets of pictures that agree but for a place: pages, forms, cards, captions, counters, frames.

A set draws what its pictures share from one generator, and what differs from the picture's own
number and generator. No two pictures of a set are the same.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from benchmarks.support.image_operations import Picture, add_noise, save
from benchmarks.support.pictures import Pixels
from fastphash.demo import scene

PER_SET = 20

_SYLLABLES = ("ba", "co", "del", "fin", "gar", "hu", "lim", "mo", "nes", "pra", "ri", "ston", "tu")
_PAPER, _INK = (255, 255, 255), (20, 20, 30)
_SIGNATURE_POINTS = 14
_SEGMENTS = (
    "012456",
    "25",
    "02346",
    "02356",
    "1235",
    "01356",
    "013456",
    "025",
    "0123456",
    "012356",
)

Draw = Callable[[Picture, Generator, Generator, int], Picture]
"""From a photo, what the pictures of a set share, what is a picture's own, and its number."""


class DrawnSet(NamedTuple):
    """A set that is drawn.

    Attributes
    ----------
    name : str
        What it shows, and what differs.
    draw : Draw
    grain : float
        Standard deviation of the noise of each picture, in grey levels.
    """

    name: str
    draw: Draw
    grain: float = 0.0


def draw_set(
    one: DrawnSet, photos: Sequence[Pixels], seed: int, count: int = PER_SET
) -> list[Picture]:
    """Draw the pictures of a set; every second set is saved as JPEG."""
    number = ALL_SETS.index(one)
    shared_seed = (seed, number)
    photo = Image.fromarray(photos[(seed + number) % len(photos)])
    pictures = []
    for i in range(count):
        own = np.random.default_rng((*shared_seed, i + 1))
        picture = one.draw(photo, np.random.default_rng(shared_seed), own, i)
        if one.grain:
            picture = add_noise(one.grain)(picture, own)
        pictures.append(save(90)(picture) if number % 2 else picture)
    return pictures


def draw_photos(count: int, seed: int) -> list[Pixels]:
    """Scenes in place of photos, uint8 (h, w, 3)."""
    rng = np.random.default_rng(seed)
    return [scene(rng, side=_PHOTO_SIDE) for _ in range(count)]


_PHOTO_SIDE = 480


def _word(rng: Generator) -> str:
    return "".join(rng.choice(_SYLLABLES, rng.integers(1, 4)))


def _words(rng: Generator, count: int) -> str:
    return " ".join(_word(rng) for _ in range(count))


def _digits(rng: Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _write(
    picture: Picture,
    at: tuple[float, float],
    text: str,
    size: float,
    colour: tuple[int, ...] = _INK,
    anchor: str = "ls",
    rim: int = 0,
) -> None:
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(picture)
    draw.text(at, text, colour, font, anchor, stroke_width=rim, stroke_fill="black")


def _page(rng: Generator, lines: int, size: tuple[int, int] = (620, 877)) -> Picture:
    """A page of text."""
    picture = Image.new("RGB", size, _PAPER)
    for line in range(lines):
        _write(picture, (60, 90 + 24 * line), _words(rng, int(rng.integers(6, 10)))[:62], 14)
    return picture


def _fit(photo: Picture, width: int, height: int) -> Picture:
    return photo.resize((width, height), Image.Resampling.LANCZOS)


def _page_number(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    first = int(shared.integers(10, 400))
    picture = _page(shared, 30)
    _write(picture, (310, 845), str(first + number), 15, anchor="ms")
    return picture


def _blank_page(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    first = int(shared.integers(10, 400))
    picture = Image.new("RGB", (620, 877), _PAPER)
    _write(picture, (310, 845), str(first + number), 17, anchor="ms")
    return picture


def _letter_date(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _page(shared, 18)
    _write(picture, (430, 50), f"{number + 3} March 2021", 15)
    return picture


def _form(shared: Generator) -> Picture:
    picture = Image.new("RGB", (620, 877), _PAPER)
    draw = ImageDraw.Draw(picture)
    _write(picture, (40, 60), "APPLICATION FORM " + _digits(shared, 2), 26)
    for row in range(8):
        top = 100 + 80 * row
        _write(picture, (40, top + 26), _word(shared).title(), 16)
        draw.rectangle((220, top, 580, top + 38), outline=_INK, width=2)
        if row != 3:
            _write(picture, (230, top + 25), _words(shared, 2).title(), 17)
    _write(picture, (40, 815), "Signature ______________", 16)
    return picture


def _form_line(_: Picture, shared: Generator, own: Generator, number: int) -> Picture:
    picture = _form(shared)
    _write(picture, (230, 365), f"{_word(own).title()} {number}", 17)
    return picture


def _form_digit(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    account = _digits(shared, 7)
    picture = _form(shared)
    _write(picture, (230, 365), f"{account}{number + 10}", 17)
    return picture


def _form_signature(_: Picture, shared: Generator, own: Generator, __: int) -> Picture:
    picture = _form(shared)
    across = np.linspace(130, 300, _SIGNATURE_POINTS) + own.normal(0, 8, _SIGNATURE_POINTS)
    down = 805 + own.normal(0, 10, _SIGNATURE_POINTS)
    path = list(zip(across.tolist(), down.tolist(), strict=True))
    ImageDraw.Draw(picture).line(path, fill=(30, 40, 120), width=2)
    return picture


def _ticked_box(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _page(shared, 8)
    draw = ImageDraw.Draw(picture)
    for box in range(PER_SET):
        left, top = 60 + 260 * (box % 2), 320 + 50 * (box // 2)
        draw.rectangle((left, top, left + 14, top + 14), outline=_INK)
        _write(picture, (left + 26, top + 13), _words(shared, 2), 14)
        if box == number:
            draw.line((left + 3, top + 7, left + 6, top + 11, left + 12, top + 2), _INK, 2)
    return picture


def _card(photo: Picture, shared: Generator) -> Picture:
    picture = Image.new("RGB", (430, 270), tuple(shared.integers(190, 240, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 430, 46), fill=tuple(shared.integers(20, 120, 3).tolist()))
    _write(picture, (16, 33), "IDENTITY CARD", 22, (255, 255, 255))
    picture.paste(_fit(photo, 110, 140), (20, 66))
    for row, label in enumerate(("Name", "Born", "Number")):
        _write(picture, (150, 88 + 56 * row), label, 13, (90, 90, 90))
    return picture


def _card_number(photo: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _card(photo, shared)
    name, born = _words(shared, 2).title(), f"{shared.integers(1, 29)}.5.1980"
    for row, text in enumerate((name, born, f"{_digits(shared, 6)}{number + 10}")):
        _write(picture, (150, 110 + 56 * row), text, 18)
    return picture


def _card_person(photo: Picture, shared: Generator, own: Generator, number: int) -> Picture:
    picture = _card(photo, shared)
    face = tuple(own.integers(90, 230, 3).tolist())
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 66, 130, 206), fill=(200, 210, 220))
    draw.ellipse((48, 90, 102, 160), fill=face)
    draw.ellipse((30, 158, 120, 240), fill=tuple(own.integers(0, 160, 3).tolist()))
    draw.rectangle((20, 207, 130, 250), fill=picture.getpixel((5, 200)))
    texts = (_words(own, 2).title(), f"{number + 1}.5.1980", _digits(own, 8))
    for row, text in enumerate(texts):
        _write(picture, (150, 110 + 56 * row), text, 18)
    return picture


def _badge(photo: Picture, _: Generator, own: Generator, number: int) -> Picture:
    picture = _fit(photo, 360, 240)
    ImageDraw.Draw(picture).rectangle((60, 90, 300, 150), fill=(245, 245, 240))
    _write(picture, (180, 128), f"{_word(own).title()} {chr(65 + number)}.", 26, anchor="ms")
    return picture


def _meme(photo: Picture, shared: Generator, own: Generator, number: int) -> Picture:
    picture = _fit(photo, 400, 360)
    _write(picture, (200, 50), _words(shared, 2).upper(), 34, (255, 255, 255), "ms", 3)
    text = f"{_words(own, 2)} {number}".upper()
    _write(picture, (200, 340), text, 34, (255, 255, 255), "ms", 3)
    return picture


def _meme_word(photo: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _fit(photo, 500, 420)
    start = _words(shared, 2)
    text = f"{start} {_SYLLABLES[number % 13]}{'s' * (number // 13)}"
    _write(picture, (40, 400), text, 24, (255, 255, 255), "ls", 2)
    return picture


def _counter(photo: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _fit(photo, 320, 240)
    ImageDraw.Draw(picture).rectangle((90, 90, 230, 140), fill=(20, 20, 20))
    reading = f"{_digits(shared, 4)}{number + 10}"
    _write(picture, (160, 127), reading, 32, (235, 235, 225), "ms")
    return picture


def _segments(photo: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _fit(photo, 300, 260)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 90, 240, 150), fill=(170, 185, 160))
    for i, digit in enumerate(_digits(shared, 3) + str(number + 10)):
        x, y = 72 + 33 * i, 98
        bars = (
            (x, y, x + 20, y + 3),
            (x, y, x + 3, y + 21),
            (x + 17, y, x + 20, y + 21),
            (x, y + 20, x + 20, y + 23),
            (x, y + 22, x + 3, y + 43),
            (x + 17, y + 22, x + 20, y + 43),
            (x, y + 41, x + 20, y + 44),
        )
        for segment in _SEGMENTS[int(digit)]:
            # 3 is the middle bar
            draw.rectangle(bars[int(segment)], fill=(40, 45, 40))
    return picture


def _dial(picture: Picture, centre: tuple[int, int], radius: int) -> ImageDraw.ImageDraw:
    draw = ImageDraw.Draw(picture)
    x, y = centre
    draw.ellipse(
        (x - radius, y - radius, x + radius, y + radius), fill=(240, 240, 235), outline=_INK
    )
    for tick in range(12):
        angle = tick * math.pi / 6
        away = [
            (x + r * math.cos(angle), y + r * math.sin(angle)) for r in (radius - 9, radius - 3)
        ]
        draw.line(away, _INK, 2)
    return draw


def _gauge(photo: Picture, _: Generator, __: Generator, number: int) -> Picture:
    picture = _fit(photo, 360, 300)
    draw = _dial(picture, (180, 150), 70)
    angle = math.pi * (0.75 + 1.5 * number / PER_SET)
    draw.line((180, 150, 180 + 55 * math.cos(angle), 150 + 55 * math.sin(angle)), (180, 20, 20), 3)
    return picture


def _clock(photo: Picture, _: Generator, __: Generator, number: int) -> Picture:
    picture = _fit(photo, 480, 360)
    draw = _dial(picture, (240, 130), 40)
    for turn, length, width in ((number / 48, 20, 4), (number * 7 / 20 % 1, 30, 2)):
        angle = 2 * math.pi * turn
        end = (240 + length * math.sin(angle), 130 - length * math.cos(angle))
        draw.line((240, 130, *end), _INK, width)
    return picture


def _person(photo: Picture, _: Generator, own: Generator, number: int) -> Picture:
    picture = _fit(photo, 480, 360)
    draw = ImageDraw.Draw(picture)
    height = int(own.integers(36, 60))
    left, foot = 20 + 21 * number, int(own.integers(200, 340))
    coat, skin = (
        tuple(own.integers(low, high, 3).tolist()) for low, high in ((0, 200), (120, 220))
    )
    draw.ellipse((left + 3, foot - height, left + 11, foot - height + 11), fill=skin)
    draw.rectangle((left, foot - height + 11, left + 14, foot - height // 3), fill=coat)
    draw.rectangle((left + 2, foot - height // 3, left + 12, foot), fill=(30, 30, 45))
    return picture


def _far_car(photo: Picture, _: Generator, own: Generator, number: int) -> Picture:
    picture = _fit(photo, 640, 400)
    draw = ImageDraw.Draw(picture)
    left, top = 20 + 30 * number, int(own.integers(250, 290))
    colour = tuple(own.integers(0, 255, 3).tolist())
    draw.rectangle((left, top, left + 24, top + 9), fill=colour)
    draw.rectangle((left + 5, top - 6, left + 18, top), fill=(40, 50, 60))
    return picture


def _time_stamp(photo: Picture, _: Generator, __: Generator, number: int) -> Picture:
    picture = _fit(photo, 480, 360)
    _write(picture, (12, 24), f"2022-05-11 14:{number + 20}", 15, (255, 255, 255), rim=1)
    return picture


def _slide(shared: Generator) -> Picture:
    picture = Image.new("RGB", (640, 360), (250, 250, 250))
    ImageDraw.Draw(picture).rectangle((0, 0, 640, 64), fill=(30, 60, 120))
    _write(picture, (30, 44), _words(shared, 3).title(), 28, (255, 255, 255))
    for row in range(4):
        _write(picture, (50, 120 + 50 * row), "- " + _words(shared, 4), 20)
    return picture


def _slide_number(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _slide(shared)
    _write(picture, (610, 348), str(number + 10), 14, (110, 110, 110), "rs")
    return picture


def _slide_word(_: Picture, shared: Generator, own: Generator, number: int) -> Picture:
    picture = _slide(shared)
    _write(picture, (50, 320), f"- {_words(shared, 2)} {_word(own)} {number}", 20)
    return picture


def _receipt(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = Image.new("RGB", (300, 560), (248, 246, 240))
    _write(picture, (150, 40), _word(shared).upper(), 24, anchor="ms")
    for row in range(12):
        _write(picture, (24, 90 + 28 * row), _words(shared, 2)[:18], 15)
        _write(picture, (276, 90 + 28 * row), f"{shared.uniform(1, 60):.2f}", 15, anchor="rs")
    _write(picture, (24, 480), "TOTAL", 19)
    _write(picture, (276, 480), f"{shared.integers(100, 400)}.{number + 10}", 19, anchor="rs")
    return picture


def _number_plate(photo: Picture, shared: Generator, own: Generator, number: int) -> Picture:
    picture = _fit(photo, 400, 300)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((110, 90, 290, 250), fill=tuple(shared.integers(30, 180, 3).tolist()))
    draw.rectangle((130, 100, 270, 150), fill=(60, 70, 80))
    draw.rectangle((150, 190, 250, 216), fill=(245, 245, 245))
    _write(picture, (200, 210), f"{_word(own)[:2].upper()} {number + 10}", 20, anchor="ms")
    return picture


def _chart(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = Image.new("RGB", (560, 400), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.line((50, 30, 50, 350, 540, 350), _INK, 2)
    heights = shared.integers(60, 280, 10)
    heights[4] = 50 + 11 * number
    for bar, height in enumerate(heights.tolist()):
        left = 64 + 47 * bar
        draw.rectangle((left, 350 - height, left + 32, 349), fill=(70, 110, 180))
        _write(picture, (left + 16, 370), _word(shared)[:4], 12, anchor="ms")
    return picture


def _map_pin(photo: Picture, _: Generator, own: Generator, number: int) -> Picture:
    picture = _fit(photo, 500, 400)
    x, y = 40 + 22 * number, int(own.integers(50, 350))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x - 7, y - 18, x + 7, y - 4), fill=(210, 40, 40), outline=(120, 10, 10))
    draw.polygon(((x - 5, y - 7), (x + 5, y - 7), (x, y + 2)), fill=(210, 40, 40))
    return picture


def _board(_: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = Image.new("RGB", (400, 400), (210, 170, 110))
    draw = ImageDraw.Draw(picture)
    for line in range(9):
        at = 40 + 40 * line
        draw.line((at, 40, at, 360), _INK)
        draw.line((40, at, 360, at), _INK)
    places = shared.permutation(81)
    for stone, place in enumerate([*places[:24], places[24 + number]]):
        x, y = 40 + 40 * (place % 9), 40 + 40 * (place // 9)
        fill = ((20, 20, 20), (240, 240, 240))[stone % 2]
        draw.ellipse((x - 15, y - 15, x + 15, y + 15), fill=fill)
    return picture


def _score(photo: Picture, shared: Generator, __: Generator, number: int) -> Picture:
    picture = _fit(photo, 512, 384)
    _write(
        picture,
        (500, 28),
        f"SCORE {int(shared.integers(10, 99))}{number + 10}",
        18,
        (255, 230, 60),
        "rs",
        1,
    )
    return picture


def _light(photo: Picture, _: Generator, __: Generator, number: int) -> Picture:
    """Three lights; the digits of the number to base 3 are their colours."""
    picture = _fit(photo, 420, 320)
    draw = ImageDraw.Draw(picture)
    for light in range(3):
        left = 120 + 70 * light
        draw.rectangle((left, 60, left + 26, 132), fill=(25, 25, 25))
        for lamp, colour in enumerate(((230, 40, 30), (240, 190, 30), (40, 210, 70))):
            lit = lamp == number // 3**light % 3
            fill = colour if lit else tuple(part // 5 for part in colour)
            draw.ellipse((left + 4, 63 + 23 * lamp, left + 22, 81 + 23 * lamp), fill=fill)
    return picture


ALL_SETS = (
    DrawnSet("pages: number", _page_number),
    DrawnSet("empty pages: number", _blank_page),
    DrawnSet("letters: date", _letter_date),
    DrawnSet("forms: a line", _form_line),
    DrawnSet("forms: two digits", _form_digit),
    DrawnSet("forms: signature", _form_signature),
    DrawnSet("forms: ticked box", _ticked_box),
    DrawnSet("cards: two digits", _card_number),
    DrawnSet("cards: person", _card_person),
    DrawnSet("badges: name", _badge),
    DrawnSet("memes: caption", _meme),
    DrawnSet("memes: a word", _meme_word),
    DrawnSet("counters: two digits", _counter, grain=2),
    DrawnSet("displays: two digits", _segments),
    DrawnSet("gauges: needle", _gauge, grain=3),
    DrawnSet("clocks: hands", _clock),
    DrawnSet("fixed camera: person", _person, grain=3),
    DrawnSet("fixed camera: far car", _far_car, grain=2),
    DrawnSet("fixed camera: time", _time_stamp, grain=2),
    DrawnSet("slides: number", _slide_number),
    DrawnSet("slides: a word", _slide_word),
    DrawnSet("receipts: total", _receipt),
    DrawnSet("cars: plate", _number_plate),
    DrawnSet("charts: a bar", _chart),
    DrawnSet("maps: pin", _map_pin),
    DrawnSet("boards: a stone", _board),
    DrawnSet("games: score", _score),
    DrawnSet("traffic lights: colour", _light),
)
