"""Hashes and thumbnails of a whole data set, for every method, computed by all cores."""

import functools
import importlib
import importlib.util
import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import imagehash
import numpy as np
from numpy.typing import NDArray

from benchmarks.support.dataset import Dataset, Needle, Place, edited_copies
from benchmarks.support.image_operations import Picture
from benchmarks.support.mixes import EDITS, rows_of
from fastphash.base.progress import Progress
from fastphash.defaults import MIN_QUALITY
from fastphash.hashing.algorithms import PDQ
from fastphash.hashing.image_hashes import image_hash
from fastphash.hashing.pdq import pdq_orientations
from fastphash.hashing.phash import hash_orientations
from fastphash.images.pixels import image_grey
from fastphash.images.thumbnail import both_thumbnails

Words = NDArray[np.uint64]
T = TypeVar("T")
# haystack windows per task of a worker
_BATCH = 16


class Oriented(NamedTuple):
    """Hashes of n pictures by one of our algorithms.

    Attributes
    ----------
    hashes : uint64 (n, 8, words)
    clear : bool (n,)
        Whether a hash has the quality from which on it is compared.
    """

    hashes: Words
    clear: NDArray[np.bool_]


class Fingerprints(NamedTuple):
    """Fingerprints of n pictures.

    Attributes
    ----------
    place : int64 (n, 5)
        Scene (see `Dataset`), left, top, width and height.
    ground : int64 (n, 5)
        The same of the picture that it was pasted into; all -1 if there is none.
    edit : int64 (n,)
        Row of the edit in `mixes.EDITS`; -1 without an edit.
    original : int64 (n,)
        The haystack row of the original.
    hashes : uint64 (n, 8)
    thumbnails : uint8 (n, 1024)
    rivals : dict of str to uint64 (n, orientations, words)
        Hashes by other libraries.
    algorithms : dict of str to Oriented
        Our hashes, by algorithm.
    """

    place: NDArray[np.int64]
    ground: NDArray[np.int64]
    edit: NDArray[np.int64]
    original: NDArray[np.int64]
    hashes: Words
    thumbnails: NDArray[np.uint8]
    rivals: dict[str, Words]
    algorithms: dict[str, Oriented]

    def take(self, rows: NDArray[np.int64]) -> "Fingerprints":
        return Fingerprints(
            self.place[rows],
            self.ground[rows],
            self.edit[rows],
            self.original[rows],
            self.hashes[rows],
            self.thumbnails[rows],
            {name: hashes[rows] for name, hashes in self.rivals.items()},
            {
                name: Oriented(one.hashes[rows], one.clear[rows])
                for name, one in self.algorithms.items()
            },
        )


def rival_hashes() -> dict[str, Callable[[Picture], Words]]:
    """Other hashes than ours, each uint64 (orientations, words): those that are installed."""
    found: dict[str, Callable[[Picture], Words]] = {
        "ahash": lambda picture: pack_bits(imagehash.average_hash(picture).hash),
        "dhash": lambda picture: pack_bits(imagehash.dhash(picture).hash),
        "whash": lambda picture: pack_bits(imagehash.whash(picture).hash),
        # bit for bit those of pdqhash
        "PDQ": lambda picture: pdq_orientations(picture).hash,
    }
    if installed("imagededup"):
        found["imagededup"] = imagededup_phash
    return found


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def pack_bits(bits: NDArray[Any]) -> Words:
    """The bits of one hash as uint64 (1, words)."""
    return np.packbits(bits.reshape(1, -1), axis=1).view(">u8").astype(np.uint64)


def imagededup_phash(picture: Picture) -> Words:
    text = _imagededup().encode_image(image_array=np.asarray(picture))
    return np.array([[int(text, 16)]], np.uint64)


@functools.cache
def _imagededup() -> Any:
    return importlib.import_module("imagededup.methods").PHash(verbose=False)


def crop_resistant_hash(picture: Picture) -> Words:
    """ImageHash's crop-resistant hash: one word for each segment, uint64 (segments,)."""
    hashes = imagehash.crop_resistant_hash(picture).segment_hashes
    return np.concatenate([pack_bits(one.hash)[0] for one in hashes])


def compute_fingerprints(
    dataset: Dataset, progress: Progress, *, rivals: bool = True, algorithms: Sequence[str] = ()
) -> tuple[Fingerprints, Fingerprints]:
    """Fingerprints of the needles and of the haystack.

    With hashes of other libraries or without, and with our own by these algorithms.
    """
    rows = len(dataset.haystack)
    parts = [range(start, min(start + _BATCH, rows)) for start in range(0, rows, _BATCH)]
    with _workers(dataset, rivals=rivals, algorithms=algorithms) as workers:
        stored = list(
            report_progress(
                workers.imap(_fingerprint_haystack, parts), "haystack", len(parts), progress
            )
        )
        count = len(dataset.originals)
        edited = workers.imap(_fingerprint_needles, range(count), chunksize=4)
        needles = list(report_progress(edited, "originals edited", count, progress))
    return _concatenated(needles), _concatenated(stored)


def compute_crop_resistant_hashes(
    dataset: Dataset, originals: Sequence[int], rows: Sequence[int], progress: Progress
) -> tuple[list[Words], list[Words]]:
    """Crop-resistant hashes of the needles of the given originals, and of given haystack rows."""
    with _workers(dataset) as workers:
        edited = workers.imap(_crop_resistant_of_needles, originals)
        needles = list(report_progress(edited, "crop-resistant, needles", len(originals), progress))
        found = workers.imap(_crop_resistant_of_row, rows, chunksize=4)
        stored = list(report_progress(found, "crop-resistant, haystack", len(rows), progress))
    return list(itertools.chain.from_iterable(needles)), stored


def report_progress(items: Iterator[T], stage: str, total: int, progress: Progress) -> Iterator[T]:
    for done, item in enumerate(items, 1):
        progress(stage, done, total)
        yield item


_dataset: Dataset
_with_rivals = True
_algorithms: Sequence[str] = ()


def _workers(dataset: Dataset, *, rivals: bool = True, algorithms: Sequence[str] = ()) -> Any:
    context = multiprocessing.get_context("spawn")
    return context.Pool(os.cpu_count(), _start_worker, (dataset, rivals, algorithms))


def _start_worker(dataset: Dataset, rivals: bool, algorithms: Sequence[str]) -> None:
    # sent to each worker once, not with each task
    global _dataset, _with_rivals, _algorithms
    _dataset, _with_rivals, _algorithms = dataset, rivals, algorithms


def _needles(original: int) -> list[Needle]:
    """The copies of one original by the edits of the data set's mix."""
    rows = rows_of(_dataset.mix)
    needles = edited_copies(_dataset, original, [EDITS[row] for row in rows])
    return [needle._replace(edit=rows[needle.edit]) for needle in needles]


def _fingerprint_needles(original: int) -> Fingerprints:
    needles = _needles(original)
    found = _fingerprint([n.picture for n in needles], [n.place for n in needles])
    return found._replace(
        ground=np.array([_numbers(n.ground) for n in needles], np.int64).reshape(-1, 5),
        edit=np.array([n.edit for n in needles], np.int64),
        original=np.full(len(needles), original),
    )


def _fingerprint_haystack(rows: range) -> Fingerprints:
    places = [_dataset.haystack[row] for row in rows]
    found = _fingerprint([_dataset.picture(place) for place in places], places)
    return found._replace(original=np.array(rows, np.int64))


def _crop_resistant_of_needles(original: int) -> list[Words]:
    return [crop_resistant_hash(needle.picture) for needle in _needles(original)]


def _crop_resistant_of_row(row: int) -> Words:
    return crop_resistant_hash(_dataset.picture(_dataset.haystack[row]))


def _fingerprint(pictures: list[Picture], places: list[Place]) -> Fingerprints:
    """Fingerprints without ground, edit and original."""
    greys = [_grey(picture) for picture in pictures]
    both = np.stack([both_thumbnails(grey) for grey in greys])
    return Fingerprints(
        np.array([_numbers(place) for place in places], np.int64),
        np.full((len(places), 5), -1),
        np.full(len(places), -1),
        np.full(len(places), -1),
        hash_orientations(both),
        both[:, 0].reshape(len(pictures), -1),
        {
            name: np.stack([hash_picture(picture) for picture in pictures])
            for name, hash_picture in (rival_hashes() if _with_rivals else {}).items()
        },
        {name: _hash_by(name, pictures, greys) for name in _algorithms},
    )


def _hash_by(algorithm: str, pictures: list[Picture], greys: list[NDArray[np.uint8]]) -> Oriented:
    """Our hashes of some pictures, by one algorithm."""
    if algorithm == PDQ.name:
        hashes, quality = zip(*map(pdq_orientations, pictures), strict=True)
        return Oriented(np.stack(hashes), np.array(quality) >= MIN_QUALITY)
    made = image_hash(algorithm)
    hashed = made.hash(np.stack([made.reduce(grey) for grey in greys]))
    return Oriented(hashed, np.ones(len(greys), np.bool_))


def _numbers(place: Place | None) -> tuple[int, ...]:
    """Scene, left, top, width and height."""
    return (_dataset.scenes[place.source], *place.window) if place else (-1,) * 5


def _grey(picture: Picture) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image_grey(picture, strict_imagehash=False))


def _concatenated(parts: list[Fingerprints]) -> Fingerprints:
    return Fingerprints(
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.ground for part in parts]),
        np.concatenate([part.edit for part in parts]),
        np.concatenate([part.original for part in parts]),
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.thumbnails for part in parts]),
        {name: np.concatenate([part.rivals[name] for part in parts]) for name in parts[0].rivals},
        {
            name: Oriented(
                np.concatenate([part.algorithms[name].hashes for part in parts]),
                np.concatenate([part.algorithms[name].clear for part in parts]),
            )
            for name in parts[0].algorithms
        },
    )
