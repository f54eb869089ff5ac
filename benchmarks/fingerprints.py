"""What each method keeps of a picture, worked out by all cores for a whole pool."""

import functools
import importlib
import importlib.util
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import imagehash
import numpy as np
import pool
from edits import Picture
from numpy.typing import NDArray
from pool import Place, Pool

from fastphash import images
from fastphash.hashing import hash_orientations
from fastphash.ingest import Progress
from fastphash.thumbnail import both_thumbnails

Words = NDArray[np.uint64]
T = TypeVar("T")
# windows of the haystack that a worker takes at a time
_TOGETHER = 16


class Prints(NamedTuple):
    """Of n pictures, in order.

    Attributes
    ----------
    place : int64 (n, 5)
        Scene (see `pool.Pool`), left, top, width and height.
    edit : int64 (n,)
        Row of the edit; -1 for what is not edited.
    own : int64 (n,)
        Row of the original in the haystack.
    hashes : uint64 (n, 8)
    thumbnails : uint8 (n, 1024)
    rivals : dict of str to uint64 (n, ways, words)
        Hashes of others; ways are orientations.
    """

    place: NDArray[np.int64]
    edit: NDArray[np.int64]
    own: NDArray[np.int64]
    hashes: Words
    thumbnails: NDArray[np.uint8]
    rivals: dict[str, Words]

    def take(self, rows: NDArray[np.int64]) -> "Prints":
        return Prints(
            self.place[rows],
            self.edit[rows],
            self.own[rows],
            self.hashes[rows],
            self.thumbnails[rows],
            {name: hashes[rows] for name, hashes in self.rivals.items()},
        )


def rivals() -> dict[str, Callable[[Picture], Words]]:
    """The hashes of others that are installed, each uint64 (ways, words)."""
    made: dict[str, Callable[[Picture], Words]] = {
        "ahash": lambda picture: packed(imagehash.average_hash(picture).hash),
        "dhash": lambda picture: packed(imagehash.dhash(picture).hash),
        "whash": lambda picture: packed(imagehash.whash(picture).hash),
    }
    if installed("pdqhash"):
        made["PDQ"] = pdq
    if installed("imagededup"):
        made["imagededup"] = imagededup_phash
    return made


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def packed(bits: NDArray[Any]) -> Words:
    """Bits of one hash as whole words: (1, words)."""
    return np.packbits(bits.reshape(1, -1), axis=1).view(">u8").astype(np.uint64)


def pdq(picture: Picture) -> Words:
    """PDQ, 256 bits, in eight orientations, identity first."""
    hashes, _ = importlib.import_module("pdqhash").compute_dihedral(np.asarray(picture))
    return np.concatenate([packed(one) for one in hashes])


def imagededup_phash(picture: Picture) -> Words:
    text = _imagededup().encode_image(image_array=np.asarray(picture))
    return np.array([[int(text, 16)]], np.uint64)


@functools.cache
def _imagededup() -> Any:
    return importlib.import_module("imagededup.methods").PHash(verbose=False)


def segments(picture: Picture) -> Words:
    """ImageHash's crop-resistant hash: uint64 (segments,)."""
    hashes = imagehash.crop_resistant_hash(picture).segment_hashes
    return np.concatenate([packed(one.hash)[0] for one in hashes])


def fingerprints(of: Pool, progress: Progress) -> tuple[Prints, Prints]:
    """Of all needles and of the haystack."""
    rows = len(of.haystack)
    parts = [range(start, min(start + _TOGETHER, rows)) for start in range(0, rows, _TOGETHER)]
    with _workers(of) as workers:
        stored = list(counted(workers.imap(_of_haystack, parts), "haystack", len(parts), progress))
        count = len(of.originals)
        edited = workers.imap(_of_needles, range(count), chunksize=4)
        needles = list(counted(edited, "originals edited", count, progress))
    return _joined(needles), _joined(stored)


def all_segments(
    of: Pool, originals: Sequence[int], rows: Sequence[int], progress: Progress
) -> tuple[list[Words], list[Words]]:
    """Crop-resistant hashes of the needles of some originals, and of rows of the haystack."""
    with _workers(of) as workers:
        edited = workers.imap(_segments_of_needles, originals)
        needles = list(counted(edited, "crop-resistant, needles", len(originals), progress))
        found = workers.imap(_segments_of_row, rows, chunksize=4)
        stored = list(counted(found, "crop-resistant, haystack", len(rows), progress))
    return [one for some in needles for one in some], stored


def counted(items: Iterator[T], stage: str, total: int, progress: Progress) -> Iterator[T]:
    for done, item in enumerate(items, 1):
        progress(stage, done, total)
        yield item


_pool: Pool


def _workers(of: Pool) -> Any:
    return multiprocessing.get_context("spawn").Pool(os.cpu_count(), _begin, (of,))


def _begin(of: Pool) -> None:
    global _pool  # noqa: PLW0603 (a worker is told once what its tasks are of)
    _pool = of


def _of_needles(original: int) -> Prints:
    needles = list(pool.needles(_pool, original))
    places = [needle.place for needle in needles]
    edits = [needle.edit for needle in needles]
    return _prints([n.picture for n in needles], places, edits, [original] * len(needles))


def _of_haystack(rows: range) -> Prints:
    places = [_pool.haystack[row] for row in rows]
    return _prints([_cut(place) for place in places], places, [-1] * len(rows), list(rows))


def _segments_of_needles(original: int) -> list[Words]:
    return [segments(needle.picture) for needle in pool.needles(_pool, original)]


def _segments_of_row(row: int) -> Words:
    return segments(_cut(_pool.haystack[row]))


def _cut(place: Place) -> Picture:
    return place.window.cut(pool.load(_pool.sources[place.source]))


def _prints(
    pictures: list[Picture], places: list[Place], edits: list[int], own: list[int]
) -> Prints:
    both = np.stack([both_thumbnails(_grey(picture)) for picture in pictures])
    return Prints(
        np.array([(_pool.scenes[place.source], *place.window) for place in places], np.int64),
        np.array(edits, np.int64),
        np.array(own, np.int64),
        hash_orientations(both),
        both[:, 0].reshape(len(pictures), -1),
        {name: np.stack([of(picture) for picture in pictures]) for name, of in rivals().items()},
    )


def _grey(picture: Picture) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images.image_grey(picture, strict_imagehash=False))


def _joined(parts: list[Prints]) -> Prints:
    return Prints(
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.edit for part in parts]),
        np.concatenate([part.own for part in parts]),
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.thumbnails for part in parts]),
        {name: np.concatenate([part.rivals[name] for part in parts]) for name in parts[0].rivals},
    )
