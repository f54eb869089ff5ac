"""Drawn photos of objects on plain grounds: within a kind, one outline and different individuals.

Individuals differ in proportions, colours and details, as products of a shop or planes of an
airport do. First shots are taken from the front, in one light, as in a studio. For another shot the
camera has gone around the thing by 4 to 12 degrees, and up or down by 4 at most: what is nearer
moves across what is further away, and becomes larger. Its light comes from another side, by 40 to
120 degrees, and with it shading and shadow, though planes cast none; its place, blur, exposure and
noise are others, and a face has another look. Things are drawn as flat parts on a round body, so a
camera can't see what the first shot doesn't show. Lengths are shares of the picture's height.
"""

import colorsys
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from benchmarks.support.image_operations import Picture

WIDTH, HEIGHT = 320, 240

_LARGER = 2
_WORDS = ("ORBIT", "NORD", "Lumen", "AERA", "Kite", "MONO", "Vela", "PLUS 7", "Delta", "ASTRA")
_CORNER_ROUNDS = 3
# a thing's body is so wide and high from its centre, and bulges there, a paraboloid; the camera's
# distance
_HALF_WIDTH, _HALF_HEIGHT, _DEPTH, _CAMERA = 0.62, 0.5, 0.22, 3.0
# the light of a studio in radians, from the upper left; levels by which it shades what is lit
# least, and those of its shadow, as shares; how far that falls, and its blur
_STUDIO = math.radians(225)
_SHADE, _SHADOW_DEPTH, _SHADOW_SHIFT, _SHADOW_BLUR = 0.12, 0.14, 0.03, 0.02
_WHITE = (250, 250, 250)
_SHADOW = (226, 226, 228)
_SKIN = ((236, 200, 175), (214, 168, 135), (160, 112, 82), (104, 70, 50))
_HAIR = ((30, 25, 22), (80, 52, 32), (140, 100, 60), (200, 170, 110), (120, 120, 122))

Colour = tuple[int, ...]
Points = Sequence[tuple[float, float]]


class Pose(NamedTuple):
    """Where a thing stands in its picture: a shift, a scale and an angle about the centre."""

    across: float
    down: float
    scale: float
    radians: float


class View(NamedTuple):
    """From where a thing is seen: radians around it and above it, 0 from the front."""

    around: float
    above: float

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the camera sees points of the thing: (n, 2), from its centre."""
        x, y = points.T
        near = _DEPTH * np.maximum(1 - (x / _HALF_WIDTH) ** 2 - (y / _HALF_HEIGHT) ** 2, 0)
        x, near = _turn(x, near, self.around)
        y, near = _turn(y, near, self.above)
        return np.column_stack([x, y]) / (1 - near / _CAMERA)[:, None]


def _turn(
    along: NDArray[np.float64], near: NDArray[np.float64], radians: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates along an axis and towards the camera, once turned about the other axis."""
    cosine, sine = math.cos(radians), math.sin(radians)
    return cosine * along + sine * near, cosine * near - sine * along


class Pen:
    """Draws on a page in lengths of its height, in one pose and seen from one side."""

    def __init__(self, page: Picture, pose: Pose, view: View) -> None:
        self._draw = ImageDraw.Draw(page)
        self._unit = page.height
        self._pose = pose
        self._view = view

    def polygon(self, points: Points | NDArray[np.float64], colour: Colour) -> None:
        self._draw.polygon(self._placed(points), colour)

    def shape(self, points: Points | NDArray[np.float64], colour: Colour) -> None:
        """A polygon with round corners."""
        self.polygon(rounded(np.asarray(points)), colour)

    def disc(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """An ellipse; `across` and `down` are its radii."""
        angle = np.linspace(0, 2 * math.pi, 40, endpoint=False)
        points = np.column_stack([x + across * np.cos(angle), y + down * np.sin(angle)])
        self.polygon(points, colour)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        thick = max(round(width * self._unit * self._pose.scale), 1)
        self._draw.line(self._placed(points), colour, thick, "curve")

    def word(self, x: float, y: float, word: str, size: float, colour: Colour) -> None:
        font = ImageFont.load_default(max(size * self._unit * self._pose.scale, 6))
        self._draw.text(self._placed([(x, y)])[0], word, colour, font, "mm")

    def _placed(self, points: Points | NDArray[np.float64]) -> list[tuple[float, float]]:
        """Pixels of the page."""
        across, down, scale, radians = self._pose
        centre = np.array([WIDTH / HEIGHT / 2, 0.5])
        cosine, sine = math.cos(radians), math.sin(radians)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        seen = self._view.place(np.asarray(points, float) - centre)
        placed = seen @ turn.T * scale + centre + (across, down)
        return [(x, y) for x, y in (placed * self._unit).tolist()]


def rounded(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed polygon whose corners are cut three times, by a quarter of each edge (Chaikin)."""
    for _round in range(_CORNER_ROUNDS):
        after = np.roll(points, -1, axis=0)
        both = [0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after]
        points = np.stack(both, axis=1).reshape(-1, 2)
    return points


def varied(points: Points, rng: Generator, spread: float = 0.008) -> NDArray[np.float64]:
    """Each point moved a little."""
    return np.asarray(points) + rng.normal(0, spread, (len(points), 2))


def colour(rng: Generator, saturation: float = 0.7) -> Colour:
    """A colour of any hue and lightness."""
    share = colorsys.hsv_to_rgb(rng.random(), saturation * rng.random(), rng.uniform(0.15, 0.9))
    return tuple(round(255 * one) for one in share)


def darker(shade: Colour, factor: float) -> Colour:
    return tuple(min(round(factor * level), 255) for level in shade)


def draw_bottle(pen: Pen, rng: Generator, _: Generator) -> None:
    glass, label = colour(rng), colour(rng, 0.9)
    radii = np.array([0.04, 0.04, 0.045, 0.13, 0.14, 0.14, 0.12]) * rng.normal(1, 0.07, 7)
    heights = np.array([0.12, 0.2, 0.28, 0.38, 0.5, 0.84, 0.9]) + rng.normal(0, 0.012, 7)
    middle = WIDTH / HEIGHT / 2
    profile = [*zip(radii, heights, strict=True)]
    sides = [(middle - x, y) for x, y in profile] + [(middle + x, y) for x, y in profile[::-1]]
    pen.disc(middle, 0.9, 0.2, 0.025, _SHADOW)
    pen.shape(sides, glass)
    pen.line([(middle - 0.07, 0.45), (middle - 0.07, 0.82)], darker(glass, 1.5), 0.02)
    cap = rng.uniform(0.045, 0.055)
    pen.polygon([(middle + x, y) for x, y in _box(-cap, 0.09, cap, 0.15)], colour(rng))
    top, foot = rng.uniform(0.5, 0.56), rng.uniform(0.7, 0.8)
    side = 0.98 * radii[4:6].mean()
    pen.polygon([(middle + x, y) for x, y in _box(-side, top, side, foot)], label)
    ink = darker(label, 0.3) if sum(label) > 380 else _WHITE
    pen.word(middle, (top + foot) / 2 - 0.02, str(rng.choice(_WORDS)), 0.06, ink)
    for row in range(rng.integers(1, 4)):
        y = (top + foot) / 2 + 0.025 + 0.02 * row
        length = side * rng.uniform(0.3, 0.8)
        pen.line([(middle - length, y), (middle + length, y)], ink, 0.006)


def draw_shirt(pen: Pen, rng: Generator, _: Generator) -> None:
    cloth, print_colour = colour(rng), colour(rng, 0.9)
    half: Points = (
        (0.1, 0.13), (0.2, 0.15), (0.38, 0.34), (0.29, 0.42), (0.21, 0.34), (0.22, 0.6),
        (0.22, 0.9),
    )  # fmt: skip
    right = varied(half, rng, 0.01)
    middle = WIDTH / HEIGHT / 2
    left = right[::-1] * (-1, 1)
    pen.shape(np.add(np.concatenate([right, left]), (middle, 0)), cloth)
    collar = rng.uniform(0.07, 0.1)
    pen.disc(middle, 0.14, collar, rng.uniform(0.03, 0.08), darker(cloth, 0.6))
    for side in (-1, 1):
        pen.line(
            [(middle + 0.2 * side, 0.3), (middle + 0.21 * side, 0.42)], darker(cloth, 0.7), 0.008
        )
    style = rng.integers(4)
    if style == 0:
        first, step = rng.uniform(0.38, 0.45), rng.uniform(0.05, 0.09)
        for y in np.arange(first, 0.85, step):
            pen.line([(middle - 0.2, y), (middle + 0.2, y)], print_colour, step / 3)
    elif style == 1:
        x, radius = rng.uniform(-0.04, 0.04), rng.uniform(0.06, 0.12)
        pen.disc(middle + x, rng.uniform(0.4, 0.5), radius, radius, print_colour)
        pen.word(middle + x, rng.uniform(0.62, 0.7), str(rng.choice(_WORDS)), 0.07, print_colour)
    elif style == 2:
        pen.word(middle, rng.uniform(0.4, 0.55), str(rng.choice(_WORDS)), 0.11, print_colour)
    else:
        x = rng.uniform(0.06, 0.1)
        pocket = _box(x, 0.36, x + rng.uniform(0.07, 0.1), rng.uniform(0.45, 0.5))
        pen.polygon([(middle + x, y) for x, y in pocket], darker(cloth, 0.75))


def draw_motorbike(pen: Pen, rng: Generator, _: Generator) -> None:
    paint, metal = colour(rng, 0.95), (120, 122, 126)
    rear, front = 0.34 + rng.normal(0, 0.012), 1.0 + rng.normal(0, 0.012)
    radius = rng.uniform(0.17, 0.2)
    ground = 0.88
    pen.disc(WIDTH / HEIGHT / 2, ground, 0.5, 0.02, _SHADOW)
    spokes = int(rng.integers(3, 9))
    for x in (rear, front):
        y = ground - radius
        pen.disc(x, y, radius, radius, (28, 28, 30))
        rim = radius * rng.uniform(0.68, 0.78)
        pen.disc(x, y, rim, rim, (225, 225, 225))
        for spoke in range(spokes):
            angle = math.pi * spoke / spokes
            away = rim * math.cos(angle), rim * math.sin(angle)
            pen.line([(x - away[0], y - away[1]), (x + away[0], y + away[1])], metal, 0.01)
        pen.disc(x, y, 0.03, 0.03, metal)
    head = (0.88 + rng.normal(0, 0.015), 0.36 + rng.normal(0, 0.01))
    pen.line([head, (front, ground - radius)], metal, 0.022)
    pen.line([(0.55, 0.62), (rear, ground - radius)], darker(paint, 0.5), 0.03)
    engine: Points = ((0.5, 0.56), (0.78, 0.55), (0.82, 0.7), (0.72, 0.78), (0.54, 0.76))
    pen.shape(varied(engine, rng, 0.014), (70, 70, 74))
    for x in np.linspace(0.58, 0.72, int(rng.integers(3, 7))):
        pen.line([(x, 0.6), (x + 0.01, 0.72)], metal, 0.01)
    exhaust = 0.76 + rng.normal(0, 0.015)
    pen.line([(0.62, 0.74), (0.45, exhaust), (0.24, exhaust - 0.04)], (150, 150, 152), 0.035)
    seat: Points = (
        (0.24, 0.44),
        (0.36, 0.46),
        (0.56, 0.5),
        (0.54, 0.56),
        (0.36, 0.54),
        (0.22, 0.48),
    )
    pen.shape(varied(seat, rng, 0.012), (45, 40, 38))
    tank: Points = (
        (0.52, 0.46),
        (0.62, 0.38),
        (0.8, 0.37),
        (0.88, 0.44),
        (0.8, 0.55),
        (0.56, 0.56),
    )
    pen.shape(varied(tank, rng, 0.014), paint)
    pen.word(0.7, 0.46, str(rng.choice(_WORDS)), 0.05, _WHITE)
    guard = rng.uniform(0.08, 0.14)
    for x in (rear, front):
        top = ground - 2 * radius - 0.015
        pen.line([(x - guard, top + 0.04), (x, top), (x + guard, top + 0.04)], paint, 0.022)
    pen.line([head, (head[0] - rng.uniform(0.06, 0.12), 0.27), (0.74, 0.28)], (40, 40, 40), 0.018)
    pen.disc(head[0] + 0.05, head[1] + 0.03, rng.uniform(0.035, 0.05), 0.045, (240, 235, 200))


def draw_plane(pen: Pen, rng: Generator, _: Generator) -> None:
    hull, livery = darker((245, 246, 248), rng.uniform(0.8, 1)), colour(rng, 1)
    fin: Points = ((1.0, 0.47), (1.11, 0.27), (1.2, 0.27), (1.19, 0.46))
    fin = varied(fin, rng, 0.01).tolist()
    pen.polygon(fin, livery)
    emblem = np.mean(fin, axis=0)
    size = rng.uniform(0.015, 0.035)
    pen.disc(emblem[0], emblem[1] - 0.02, size, size, colour(rng, 1))
    body: Points = (
        (0.1, 0.54), (0.16, 0.48), (0.3, 0.455), (0.6, 0.455), (0.95, 0.455), (1.12, 0.45),
        (1.23, 0.44), (1.14, 0.52), (0.9, 0.585), (0.6, 0.6), (0.3, 0.6), (0.15, 0.59),
    )  # fmt: skip
    pen.shape(varied(body, rng, 0.006), hull)
    stripe = rng.uniform(0.53, 0.57)
    pen.line([(0.15, stripe), (1.0, stripe - 0.01)], livery, rng.uniform(0.006, 0.025))
    pen.polygon([(0.145, 0.5), (0.19, 0.485), (0.195, 0.505), (0.15, 0.515)], (40, 50, 60))
    first, last = rng.uniform(0.24, 0.3), rng.uniform(0.95, 1.02)
    for x in np.linspace(first, last, int(rng.integers(14, 34))):
        pen.disc(x, 0.505, 0.007, 0.009, (60, 70, 85))
    pen.word(rng.uniform(0.36, 0.5), 0.475, str(rng.choice(_WORDS)), 0.045, livery)
    for x in rng.uniform((0.2, 0.85), (0.23, 0.9)):
        pen.line([(x, 0.49), (x, 0.55)], darker(hull, 0.6), 0.005)
    wing: Points = ((0.52, 0.56), (0.72, 0.73), (0.8, 0.735), (0.76, 0.57))
    pen.polygon(varied(wing, rng, 0.012), darker(hull, 0.72))
    for x in np.array([0.5, 0.6])[: rng.integers(1, 3)] + rng.normal(0, 0.01):
        pen.shape(varied(_box(x, 0.61, x + 0.11, 0.67), rng, 0.006), darker(livery, 0.9))
    tail: Points = ((1.04, 0.48), (1.17, 0.53), (1.22, 0.53), (1.16, 0.47))
    pen.polygon(varied(tail, rng, 0.006), darker(hull, 0.8))


def draw_portrait(pen: Pen, rng: Generator, shot: Generator) -> None:
    skin, hair = (shades[rng.integers(len(shades))] for shades in (_SKIN, _HAIR))
    middle, face = WIDTH / HEIGHT / 2, 0.42 + rng.normal(0, 0.01)
    wide, long = rng.uniform(0.15, 0.18), rng.uniform(0.2, 0.23)
    longer = rng.uniform(-0.02, 0.25)
    pen.disc(middle, face + longer / 2 - 0.04, wide + 0.035, long + longer / 2, hair)
    body: Points = ((-0.4, 1.2), (-0.36, 0.84), (-0.2, 0.74), (0.2, 0.74), (0.36, 0.84), (0.4, 1.2))
    pen.shape(np.add(varied(body, rng, 0.014), (middle, 0)), colour(rng))
    neck = rng.uniform(0.07, 0.09)
    pen.polygon([(middle + x, y) for x, y in _box(-neck, 0.58, neck, 0.76)], darker(skin, 0.85))
    for side in (-1, 1):
        pen.disc(middle + side * wide, face + 0.01, 0.025, 0.045, darker(skin, 0.9))
    pen.disc(middle, face, wide, long, skin)
    parting = rng.uniform(-0.1, 0.1)
    fringe = [(-wide, 0.0), (-wide, -long), (0.0, -long - 0.03), (wide, -long), (wide, 0.0)]
    fringe += [(0.7 * wide, -0.5 * long), (parting, -long * rng.uniform(0.55, 0.75))]
    fringe += [(-0.7 * wide, -0.5 * long)]
    pen.shape(np.add(fringe, (middle, face)), hair)
    apart, level = rng.uniform(0.06, 0.075), face - rng.uniform(0.0, 0.03)
    glance = shot.normal(0, 0.006)
    glasses = rng.random() < 0.3
    iris, thick = colour(rng), rng.uniform(0.008, 0.018)
    for side in (-1, 1):
        x = middle + side * apart
        pen.disc(x, level, 0.026, 0.013 * shot.uniform(0.6, 1.2), (245, 245, 245))
        pen.disc(x + glance, level, 0.011, 0.011, darker(iris, 0.6))
        brow = level - 0.035 - shot.uniform(0, 0.012)
        pen.line([(x - 0.03, brow), (x + 0.03, brow)], darker(hair, 0.8), thick)
        if glasses:
            pen.line(
                [
                    (x + 0.04 * math.cos(a), level + 0.034 * math.sin(a))
                    for a in np.linspace(0, 6.3, 20)
                ],
                (40, 40, 45),
                0.007,
            )
    nose = face + rng.uniform(0.05, 0.075)
    pen.line(
        [(middle, level), (middle + 0.018, nose), (middle - 0.01, nose)], darker(skin, 0.75), 0.008
    )
    lips, smile = face + rng.uniform(0.11, 0.13), shot.uniform(-0.005, 0.025)
    half = rng.uniform(0.04, 0.06)
    mouth = [(middle - half, lips - smile), (middle, lips), (middle + half, lips - smile)]
    pen.line(mouth, (150, 70, 70), rng.uniform(0.01, 0.02))


def _box(left: float, top: float, right: float, foot: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, foot), (left, foot)]


class ObjectKind(NamedTuple):
    """How one kind of object is drawn, the colours of its ground at head and foot, its shadow."""

    draw: Callable[[Pen, Generator, Generator], None]
    head: Colour = _WHITE
    foot: Colour = _WHITE
    has_shadow: bool = True


OBJECT_KINDS = {
    "bottle": ObjectKind(draw_bottle),
    "shirt": ObjectKind(draw_shirt),
    "motorbike": ObjectKind(draw_motorbike),
    "portrait": ObjectKind(draw_portrait, (176, 186, 196), (150, 160, 172)),
    "plane": ObjectKind(draw_plane, (96, 150, 214), (190, 214, 236), has_shadow=False),
}


def draw_object(kind: str, individual: int, shot: int, seed: int) -> Picture:
    """One shot of an individual; the same numbers give the same picture."""
    number = list(OBJECT_KINDS).index(kind)
    looks = np.random.default_rng([seed, number, individual])
    rng = np.random.default_rng([seed, number, individual, shot])
    draw, head, foot, has_shadow = OBJECT_KINDS[kind]
    size = WIDTH * _LARGER, HEIGHT * _LARGER
    ramp = Image.linear_gradient("L").resize(size)
    ground = Image.composite(Image.new("RGB", size, foot), Image.new("RGB", size, head), ramp)
    shift = 0.01 if shot == 0 else 0.02
    across, down = rng.normal(0, shift, 2)
    pose = Pose(across, down, rng.normal(1, 1.5 * shift), rng.normal(0, shift))
    page = ground.copy()
    draw(Pen(page, pose, _view(shot, rng)), looks, rng)
    page = _lit(page, ground, _light_from(shot, rng), has_shadow=has_shadow)
    page = ImageChops.multiply(page, _light(size, rng))
    page = page.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.2)))
    picture = np.asarray(page.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))
    noisy = picture * rng.uniform(0.96, 1.02) + rng.normal(0, 1.5, picture.shape)
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def _view(shot: int, rng: Generator) -> View:
    """The front for the first shot; for others further around."""
    around, above = rng.choice((-1, 1)) * rng.uniform(4, 12), rng.uniform(-4, 4)
    return View(math.radians(around), math.radians(above)) if shot else View(0, 0)


def _light_from(shot: int, rng: Generator) -> float:
    """Where the light comes from, in radians: a studio's for the first shot."""
    moved = rng.choice((-1, 1)) * rng.uniform(40, 120)
    return _STUDIO + math.radians(moved if shot else rng.normal(0, 4))


def _lit(page: Picture, ground: Picture, radians: float, *, has_shadow: bool) -> Picture:
    """A page whose thing is darker away from the light, and casts a shadow there."""
    height, width = page.height, page.width
    thing = ImageChops.difference(page, ground).convert("L").point(lambda level: 255 * (level > 1))
    towards = math.cos(radians), math.sin(radians)
    y, x = np.mgrid[:height, :width] / height - 0.5
    lit = 1 + _SHADE * (towards[0] * (x - (width / height - 1) / 2) + towards[1] * y - 0.5)
    fallen = np.zeros((height, width))
    if has_shadow:
        across, down = (_SHADOW_SHIFT * height * part for part in towards)
        shadow = thing.filter(ImageFilter.GaussianBlur(_SHADOW_BLUR * height))
        moved = shadow.transform(
            page.size, Image.Transform.AFFINE, (1, 0, across, 0, 1, down), Image.Resampling.BILINEAR
        )
        fallen = np.asarray(moved, float) / 255
    factor = np.where(np.asarray(thing) > 0, lit, 1 - _SHADOW_DEPTH * fallen)
    levels = np.asarray(page) * factor[..., None]
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _light(size: tuple[int, int], rng: Generator) -> Picture:
    """Light that falls off a little towards the edges, unevenly."""
    corners = rng.uniform(246, 255, (3, 3))
    corners[1, 1] = 255
    smooth = Image.fromarray(corners.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    return smooth.convert("RGB")
