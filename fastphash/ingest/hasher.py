"""Files to hashes: what one worker process does."""

import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.base.machine import limit_memory
from fastphash.base.supervisor import At, Work
from fastphash.base.vocabulary import PassOrder
from fastphash.defaults import MAX_PIXELS
from fastphash.errors import ImageError
from fastphash.hashing.phash import hash_orientations, hash_thumbnails
from fastphash.images.decode import CaughtStderr, Decoding, decode
from fastphash.images.pillow import limit_pixels
from fastphash.images.thumbnail import both_thumbnails, thumbnail
from fastphash.ingest.batch import Batch, Rejection
from fastphash.ingest.executor import Task
from fastphash.sources.base import Reader

# contents that a worker remembers, 1.4 kB each
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a worker hashes: all that it needs to know."""

    decoding: Decoding = field(default_factory=Decoding)
    pass_order: PassOrder = "pillow13"
    orientations: bool = True
    max_pixels: int = MAX_PIXELS


class Record(NamedTuple):
    """What is known of one image, however many files hold its bytes."""

    format: str
    width: int
    height: int
    multiframe: bool
    chroma: bytes | None
    hashes: NDArray[np.uint64]
    thumbnail: NDArray[np.uint8]


class _Decoded(NamedTuple):
    """One decoded image, its thumbnail (or both) not yet hashed; the pixels are gone."""

    format: str
    width: int
    height: int
    multiframe: bool
    chroma: bytes | None
    thumbnails: NDArray[np.uint8]


class Hasher:
    """Reads, decodes and hashes files, and remembers contents that it has just seen."""

    def __init__(self, recipe: Recipe, caught: CaughtStderr | None = None) -> None:
        self._recipe = recipe
        self._caught = caught
        self._remembered: OrderedDict[bytes, Record] = OrderedDict()

    def hash_files(
        self,
        reader: Reader,
        paths: Sequence[bytes],
        refused: Mapping[int, str] | None = None,
        at: At = lambda item: None,  # noqa: ARG005 - tells nobody
    ) -> Batch:
        """Hash inputs of one reader; those that give no hash are rejected or skipped.

        Inputs that are `refused`, by their places in `paths`, are rejected unread. `at` is told of
        every other one that is begun.
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
                if digest in self._remembered:
                    self._remembered.move_to_end(digest)
                elif digest not in fresh:
                    fresh[digest] = self._look(data)
            except ImageError as error:
                batch.rejected.append(Rejection(path, error.stage, error.reason))
            except MemoryError:
                batch.rejected.append(Rejection(path, "decode", "out of memory"))
            else:
                batch.paths.append(path)
                batch.sizes.append(len(data))
                batch.mtimes.append(stamp.mtime_ns)
                batch.digests.append(digest)
        records = self._hash(fresh)
        found = [records.get(d) or self._remembered[d] for d in batch.digests]
        batch.formats = [record.format for record in found]
        batch.shapes = [(record.width, record.height) for record in found]
        batch.multiframe = [record.multiframe for record in found]
        batch.chroma = [record.chroma for record in found]
        if found:
            batch.hashes = np.stack([record.hashes for record in found])
            batch.thumbnails = np.stack([record.thumbnail for record in found])
        self._remember(records)
        return batch

    def _look(self, data: bytes) -> "_Decoded":
        decoded = decode(data, self._recipe.decoding, self._caught)
        make = both_thumbnails if self._recipe.orientations else thumbnail
        made = make(decoded.grey, self._recipe.pass_order, decoded.extent)
        chroma = None if decoded.chroma is None else decoded.chroma.tobytes()
        return _Decoded(
            decoded.format, decoded.width, decoded.height, decoded.multiframe, chroma, made
        )

    def _hash(self, fresh: dict[bytes, "_Decoded"]) -> dict[bytes, Record]:
        if not fresh:
            return {}
        made = np.stack([seen.thumbnails for seen in fresh.values()])
        if self._recipe.orientations:
            hashes, upright = hash_orientations(made), made[:, 0]
        else:
            hashes, upright = hash_thumbnails(made)[:, None], made
        return {
            digest: Record(*seen[:5], hashes[i], upright[i].copy())
            for i, (digest, seen) in enumerate(fresh.items())
        }

    def _remember(self, records: dict[bytes, Record]) -> None:
        self._remembered.update(records)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)


def start_worker(recipe: Recipe, memory: int) -> Work:
    """Make this process a worker: file descriptor 2 is caught, and memory limited from now on."""
    cv2.setNumThreads(0)
    logging.disable()  # Pillow logs what it also raises
    sys.stderr = os.fdopen(os.dup(2), "w")
    limit_pixels(recipe.max_pixels)
    limit_memory(memory)
    hasher = Hasher(recipe, CaughtStderr())

    def work(task: Task, refused: dict[int, str], at: At) -> Batch:
        return hasher.hash_files(task.reader, task.paths, refused, at)

    return work
