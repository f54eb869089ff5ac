"""What a worker process does: reads, decodes and hashes images."""

import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

import fastphash.kernels.chroma
import fastphash.kernels.grey
import fastphash.kernels.lanczos  # noqa: F401 - before the first image, whose time is limited
from fastphash.base.machine import limit_memory
from fastphash.base.supervisor import At, Work
from fastphash.base.vocabulary import PassOrder
from fastphash.base.worker_start import preload
from fastphash.defaults import MAX_PIXELS
from fastphash.errors import ImageError
from fastphash.hashing.algorithms import PHASH
from fastphash.hashing.functions import hash_function
from fastphash.images.decode import Decoding, decode
from fastphash.images.evidence import Evidence
from fastphash.images.pillow import limit_pixels
from fastphash.images.thumbnail import Pairs, thumbnail
from fastphash.ingest.batch import Batch, Rejection
from fastphash.ingest.executor import ListTask, Task
from fastphash.sources.container_source import list_container
from fastphash.sources.protocol import Listing, TaskReader

preload(__name__)

# Images that are hashed at once. More take new memory in each batch, which the system clears first:
# 64 by phash 50 us for each image instead of 21. One by pdq takes 35 us, instead of 19.
_HASHED_AT_ONCE = 16
# images that a worker remembers by their bytes, 1.5 kB each, up to 4.5 kB with alpha and frames
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to hash, as a worker needs it."""

    decoding: Decoding = field(default_factory=Decoding)
    pass_order: PassOrder = "pillow13"
    algorithms: tuple[str, ...] = (PHASH.name,)
    orientations: bool = True
    max_pixels: int = MAX_PIXELS


class Record(NamedTuple):
    """Results for one image, which several files may hold.

    Attributes
    ----------
    format : str
    width, height : int
    multiframe : bool
    chroma : bytes or None
    evidence : Evidence
    hashes : dict of str to uint64 (8, words) or (1, words)
        By algorithm.
    qualities : dict of str to uint8
        By algorithm, of those that have a quality.
    thumbnail : uint8 (32, 32)
    """

    format: str
    width: int
    height: int
    multiframe: bool
    chroma: bytes | None
    evidence: Evidence
    hashes: dict[str, NDArray[np.uint64]]
    qualities: dict[str, np.uint8]
    thumbnail: NDArray[np.uint8]


class _Decoded(NamedTuple):
    """A decoded image that isn't hashed yet.

    Attributes
    ----------
    thumbnail : uint8 (32, 32)
    reduced : dict of str to array
        What the hashes are made from, by algorithm.
    """

    format: str
    width: int
    height: int
    multiframe: bool
    chroma: bytes | None
    evidence: Evidence
    thumbnail: NDArray[np.uint8]
    reduced: dict[str, NDArray[Any]]


class Hasher:
    """Reads, decodes and hashes images, and remembers the last ones by their bytes."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._functions = {name: hash_function(name) for name in recipe.algorithms}
        # phash is made from thumbnails
        self._thumbnails = hash_function(PHASH.name).reduce
        self._reducers = {function.reduce for function in self._functions.values()}
        self._takes_pixels = any(function.takes_pixels for function in self._functions.values())
        self._remembered: OrderedDict[bytes, Record] = OrderedDict()

    def hash_files(
        self,
        reader: TaskReader,
        paths: Sequence[bytes],
        known: Mapping[bytes, bytes] | None = None,
        refused: Mapping[int, str] | None = None,
        at: At = lambda item: None,  # noqa: ARG005 - nobody watches
    ) -> Batch:
        """Hash the inputs of a reader; those without a hash are rejected or skipped.

        Parameters
        ----------
        reader : TaskReader
        paths : sequence of bytes
        known : mapping of bytes to bytes, optional
            Digests by path: an input whose bytes have it still is unchanged, and isn't hashed.
        refused : mapping of int to str, optional
            Reasons by index in `paths`; these inputs are rejected unread.
        at : callable, optional
            Called with the index of every other input before it is read.
        """
        batch = Batch()
        fresh: dict[bytes, _Decoded] = {}
        for item, path in enumerate(paths):
            if refused and item in refused:
                batch.rejected.append(Rejection(path, "worker", refused[item]))
                continue
            at(item)
            try:
                data, stamp = reader.read(path)
                if data is None:
                    batch.skipped.append(path)
                    continue
                digest = xxhash.xxh3_128_digest(data)
                if known and known.get(path) == digest:
                    batch.unchanged[path] = stamp
                    continue
                if digest in self._remembered:
                    self._remembered.move_to_end(digest)
                elif digest not in fresh:
                    fresh[digest] = self._decode(data)
            except ImageError as error:
                batch.rejected.append(Rejection(path, error.stage, error.reason))
            except MemoryError:
                batch.rejected.append(Rejection(path, "decode", "out of memory"))
            except Exception as error:  # costs this input only
                batch.rejected.append(_unforeseen(path, error))
            else:
                batch.paths.append(path)
                batch.stamps.append(stamp._replace(size=len(data)))
                batch.digests.append(digest)
        self._fill_in(batch, self._hash(fresh))
        return batch

    def _fill_in(self, batch: Batch, records: dict[bytes, Record]) -> None:
        """Complete the rows of a batch by their digests, and remember the new records."""
        rows = [records.get(digest) or self._remembered[digest] for digest in batch.digests]
        batch.formats = [row.format for row in rows]
        batch.shapes = [(row.width, row.height) for row in rows]
        batch.multiframe = [row.multiframe for row in rows]
        batch.chroma = [row.chroma for row in rows]
        batch.evidence = [row.evidence for row in rows]
        if rows:
            batch.hashes = {
                name: np.stack([row.hashes[name] for row in rows]) for name in self._functions
            }
            batch.qualities = {
                name: np.array([row.qualities[name] for row in rows]) for name in rows[0].qualities
            }
            batch.thumbnails = np.stack([row.thumbnail for row in rows])
        self._remember(records)

    def _decode(self, data: bytes) -> _Decoded:
        image = decode(
            data, self._recipe.decoding, with_evidence=True, with_pixels=self._takes_pixels
        )
        # one hash has nothing in common with others, and needn't take the memory
        pairs: Pairs | None = {} if len(self._reducers) > 1 else None
        how = self._recipe.pass_order, self._recipe.orientations, pairs
        made = {reduce: reduce(image, *how) for reduce in self._reducers}
        reduced = {name: made[function.reduce] for name, function in self._functions.items()}
        if self._thumbnails in made:
            upright = made[self._thumbnails][0].copy()
        else:
            upright = thumbnail(image.grey, self._recipe.pass_order, image.extent)
        chroma = None if image.chroma is None else image.chroma.tobytes()
        assert image.evidence is not None
        return _Decoded(
            image.format,
            image.width,
            image.height,
            image.multiframe,
            chroma,
            image.evidence,
            upright,
            reduced,
        )

    def _hash(self, fresh: dict[bytes, _Decoded]) -> dict[bytes, Record]:
        if not fresh:
            return {}
        hashes, qualities = {}, {}
        for name, function in self._functions.items():
            reduced = np.stack([image.reduced[name] for image in fresh.values()])
            hashes[name] = np.concatenate(
                [
                    function.hash(reduced[start : start + _HASHED_AT_ONCE])
                    for start in range(0, len(reduced), _HASHED_AT_ONCE)
                ]
            )
            if function.quality is not None:
                qualities[name] = function.quality(reduced)
        return {
            digest: Record(
                *image[:6],
                {name: rows[i] for name, rows in hashes.items()},
                {name: rows[i] for name, rows in qualities.items()},
                image.thumbnail,
            )
            for i, (digest, image) in enumerate(fresh.items())
        }

    def _remember(self, records: dict[bytes, Record]) -> None:
        self._remembered.update(records)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)


def _unforeseen(path: bytes, error: Exception) -> Rejection:
    said = " ".join(str(error).split())[:300]
    reason = f"{type(error).__name__}: {said} (a fault of fastphash: please report it)"
    return Rejection(path, "worker", reason)


def _silence_decoders() -> None:
    """Let nobody read what Pillow logs and libtiff prints: they raise it as well."""
    logging.disable()
    sys.stderr = os.fdopen(os.dup(2), "w")  # what Python prints is still read
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def start_worker(recipe: Recipe, memory: int) -> Work:
    """Make this process a worker: quiet, and limited to this many bytes of memory."""
    _silence_decoders()
    limit_pixels(recipe.max_pixels)
    limit_memory(memory)
    hasher = Hasher(recipe)

    def work(task: Task | ListTask, refused: dict[int, str], at: At) -> Batch | Listing:
        if isinstance(task, ListTask):
            if refused:
                return Listing(None, [], refused[0])
            return list_container(*task, alive=lambda: at(0))
        return hasher.hash_files(task.reader, task.paths, task.known, refused, at)

    return work
