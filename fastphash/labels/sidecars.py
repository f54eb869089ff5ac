"""Files that belong to an image, its labels for example: those beside it that share its stem.

"1.txt" belongs to "1.jpg", beside it or, for "images/1.jpg", in "labels/". Names are absolute.
"""

import os
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fastphash.base.progress import Progress, no_progress
from fastphash.files.own_names import is_own_name
from fastphash.images.sniff import promises_image
from fastphash.sources.mask_folders import forget_images
from fastphash.sources.sidecar_names import is_sidecar_name

#: Folders of pictures, each with the one of their labels that lies beside it.
FOLDER_PAIRS = ((b"images", b"labels"), (b"JPEGImages", b"Annotations"))
#: The place of sidecars that lie beside their images.
BESIDE = ""
# folders whose names are kept: images mostly come folder by folder
_FOLDERS = 256
# images between two calls of progress
_TOLD = 1000

_Names = dict[bytes, tuple[bytes, ...]]


class Sidecar(NamedTuple):
    """A file that belongs to an image.

    Attributes
    ----------
    name : bytes
        Absolute.
    place : str
        The folder that stands for that of the images, "labels" for example; `BESIDE` for none.
    """

    name: bytes
    place: str


def find_sidecars(image: bytes) -> list[Sidecar]:
    """The files that belong to an image, which need not be there; `image` is absolute.

    An image whose own name ends as that of a sidecar doesn't belong to itself.
    """
    folder, name = os.path.split(os.path.normpath(image))
    stem = os.path.splitext(name)[0]
    return [
        Sidecar(os.path.join(other, sidecar), place)
        for place, other in _label_folders(folder)
        for sidecar in _files_in(other).get(stem, ())
        if is_sidecar_name(sidecar) and (place or sidecar != name)
    ]


def find_twins(image: bytes) -> list[bytes]:
    """Files beside an image, there or not, that are images by their names and share its stem."""
    folder, name = os.path.split(os.path.normpath(image))
    stem = os.path.splitext(name)[0]
    names = _files_in(folder).get(stem, ())
    return [os.path.join(folder, other) for other in names if promises_image(other)]


def forget_folders() -> None:
    """Look at folders anew: files in them may have come or gone."""
    _files_in.cache_clear()
    forget_images()


def count_sidecars(images: Sequence[bytes], progress: Progress = no_progress) -> dict[str, int]:
    """How many of some images have files that belong to them, by the place of these."""
    forget_folders()
    places: Counter[str] = Counter()
    for done, image in enumerate(images):
        if done % _TOLD == 0:
            progress("counting label files", done, len(images))
        places.update({sidecar.place for sidecar in find_sidecars(image)})
    return dict(sorted(places.items()))


def _label_folders(folder: bytes) -> list[tuple[str, bytes]]:
    """The places and folders in which an image of a folder may have files that belong to it."""
    separator = os.fsencode(os.sep)
    steps = folder.split(separator)
    places = [(BESIDE, folder)]
    for pictures, labels in FOLDER_PAIRS:
        if pictures in steps:
            last = len(steps) - 1 - steps[::-1].index(pictures)
            other = separator.join([*steps[:last], labels, *steps[last + 1 :]])
            places.append((os.fsdecode(labels), other))
    return places


@lru_cache(maxsize=_FOLDERS)
def _files_in(folder: bytes) -> _Names:
    """The names of sidecars and images in a folder, by stem; none if it can't be listed."""
    names: dict[bytes, tuple[bytes, ...]] = {}
    try:
        with os.scandir(folder) as listing:
            entries = sorted(
                entry.name for entry in listing if not is_own_name(entry.name) and _is_file(entry)
            )
    except OSError:
        return {}
    for name in entries:
        if is_sidecar_name(name) or promises_image(name):
            stem = os.path.splitext(name)[0]
            names[stem] = (*names.get(stem, ()), name)
    return names


def _is_file(entry: "os.DirEntry[bytes]") -> bool:
    """Whether it is a file, or a link to nothing: whoever reads that says so."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:  # a loop of links
        return True
