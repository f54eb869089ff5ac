"""A set of photos of objects on plain grounds whose copies are known.

Each file shows one shot of one individual. Every third individual has a second shot, which is no
copy of the first: the camera and the light have moved (object_drawing.py). Every fifth shot has an
edited copy.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.support.image_operations import Picture, Window
from benchmarks.support.mixes import EDITS
from benchmarks.support.object_drawing import OBJECT_KINDS, draw_object

# copies go through these in turn
COPY_EDITS = (
    "JPEG 50",
    "resize x 0.5",
    "brightness x 1.25",
    "contrast x 1.5",
    "crop, four sides 2 %",
    "crop, four sides 10 %",
    "CenterCrop",
    "border 10 %",
    "turned flip_left_right",
    "logo 20 %",
)
_QUALITY = 90
_SECOND_SHOT, _COPIED = 3, 5


class ObjectPicture(NamedTuple):
    """One file.

    Attributes
    ----------
    path : str
        From the folder, ``KIND/NAME``.
    kind : str
        What it shows.
    individual, shot : int
        Files with the same kind, individual and shot are copies, other files aren't.
    edit : str
        What the shot went through; "" for an original.
    """

    path: str
    kind: str
    individual: int
    shot: int
    edit: str

    def is_copy_of(self, other: "ObjectPicture") -> bool:
        return self[1:4] == other[1:4]

    def shows_same_thing_as(self, other: "ObjectPicture") -> bool:
        return self[1:3] == other[1:3]


def write_object_pictures(folder: Path, individuals: int, seed: int) -> list[ObjectPicture]:
    """Write the files of so many individuals of each kind, and return what they show."""
    written = []
    for one, picture in object_pictures(individuals, seed):
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, quality=_QUALITY)
        written.append(one)
    return written


def object_pictures(individuals: int, seed: int) -> Iterator[tuple[ObjectPicture, Picture]]:
    edits = {edit.name: edit for edit in EDITS}
    for kind in OBJECT_KINDS:
        shots = [
            (individual, shot)
            for individual in range(individuals)
            for shot in range(1 + (individual % _SECOND_SHOT == 0))
        ]
        for number, (individual, shot) in enumerate(shots):
            picture = draw_object(kind, individual, shot, seed)
            name = f"{kind}/{individual:04d}-{shot}"
            yield ObjectPicture(f"{name}.jpg", kind, individual, shot, ""), picture
            if number % _COPIED == 0:
                edit = edits[COPY_EDITS[number // _COPIED % len(COPY_EDITS)]]
                rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
                whole = Window(0, 0, *picture.size)
                window = edit.choose_window(whole, picture.size, rng)
                assert window is not None
                copy = edit.operate(window.cut(picture), rng)
                yield ObjectPicture(f"{name}-copy.jpg", kind, individual, shot, edit.name), copy
