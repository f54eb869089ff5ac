"""Which images of a COCO file go with the files of a split, or why nobody can tell."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.text import count
from fastphash.errors import StoreError
from fastphash.labels.coco import ImageMatching, Images
from fastphash.labels.ids import ImageId

# paths named in a message
_NAMED_PATHS = 3


class Removal(NamedTuple):
    """The images of a COCO file that go.

    Attributes
    ----------
    ids : set of ids
    places : list of int
        Their places in the file, ascending; those of images without an id, too.
    """

    ids: set[ImageId]
    places: list[int]


def find_removal(
    images: Images, matched: ImageMatching, paths: Sequence[bytes], removed: NDArray[np.bool_]
) -> Removal:
    """The images of a COCO file whose files are removed.

    Parameters
    ----------
    images, matched, paths
        Images of a COCO file, matched with these paths.
    removed : bool (n,)
        For each path.

    Raises
    ------
    StoreError
        The file and the paths would disagree: an image that fits several paths, or none, may be
        one that goes; or of two images with one id only one goes.
    """
    _check_ambiguous(images, matched, paths, removed)
    _check_unknown(images, matched, paths, removed)
    listed = np.flatnonzero(matched.rows >= 0)
    places = listed[removed[matched.rows[listed]]].tolist()
    ids = {key for i in places if (key := images.ids[i]) is not None}
    gone = set(places)
    for i, key in enumerate(images.ids):
        if key in ids and i not in gone:
            other = next(place for place in places if images.ids[place] == key)
            raise StoreError(
                f"{images.path}: images[{other}] and images[{i}] both have the id {key!r}, but "
                f"{images.names[other]!r} goes and {images.names[i]!r} stays: give them two ids"
            )
    return Removal(ids, places)


def unknown_images(matched: ImageMatching) -> list[int]:
    """Places of the images that are no path: their name fits none, or can't be used."""
    return [i for i in np.flatnonzero(matched.rows < 0).tolist() if i not in matched.ambiguous]


def _check_ambiguous(
    images: Images, matched: ImageMatching, paths: Sequence[bytes], removed: NDArray[np.bool_]
) -> None:
    doubtful = [i for i, rows in matched.ambiguous.items() if removed[rows].any()]
    if doubtful:
        i = doubtful[0]
        fits = matched.ambiguous[i]
        shown = ", ".join(repr(paths[row].decode(errors="replace")) for row in fits[:_NAMED_PATHS])
        unnamed = len(fits) - _NAMED_PATHS
        more = f" and {unnamed:,} more" if unnamed > 0 else ""
        others = f" ({len(doubtful) - 1:,} more such)" if len(doubtful) > 1 else ""
        raise StoreError(
            f"{images.path}: can't tell whether {images.names[i]!r} goes: it may be {shown}{more}"
            f"{others}. Write file names in it as they are below the split's folder"
        )


def _check_unknown(
    images: Images, matched: ImageMatching, paths: Sequence[bytes], removed: NDArray[np.bool_]
) -> None:
    """Raise StoreError if images that fit no path could be files that go and fit no image."""
    unknown = unknown_images(matched)
    unnamed = removed.copy()
    unnamed[matched.rows[matched.rows >= 0]] = False
    if unknown and unnamed.any():
        path = paths[int(np.flatnonzero(unnamed)[0])].decode(errors="replace")
        first = unknown[0]
        name = images.names[first]
        called = repr(name) if name else "(without a name that can be used)"
        raise StoreError(
            f"{images.path}: {count(len(unknown), 'image')} in it, images[{first}] {called} "
            f"first, match no file of the split, and {count(int(unnamed.sum()), 'file')} that "
            f"would go, {path!r} first, match no image in it: they may be the same. Write file "
            "names in it as they are below the split's folder, or take images of other files out"
        )
