"""What a worker returns. It imports no pyarrow, which workers needn't load."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.images.evidence import Evidence
from fastphash.sources.protocol import Stamp


class Rejection(NamedTuple):
    """An input that gave no hash; stage and reason as of `ImageError`."""

    path: bytes
    stage: str
    reason: str


@dataclass(slots=True)
class Batch:
    """Results for some inputs of one split.

    Attributes
    ----------
    paths, stamps, digests, formats, shapes, multiframe, chroma, evidence
        One item for each hashed input; shapes are (width, height).
    hashes : dict of str to uint64 (n, 8, words) or (n, 1, words)
        By algorithm.
    qualities : dict of str to uint8 (n,)
        By algorithm, of those that have a quality.
    thumbnails : uint8 (n, 32, 32)
    rejected : list of Rejection
    skipped : list of bytes
        Inputs that are no images by name nor by content.
    unchanged : dict of bytes to Stamp
        Inputs whose bytes are those that were known, so that they weren't hashed again.
    keys : dict of bytes to bytes
        Names of the samples of members of containers, by path; empty for one of no sample.
    """

    paths: list[bytes] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)
    multiframe: list[bool] = field(default_factory=list)
    chroma: list[bytes | None] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    hashes: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    qualities: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    thumbnails: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 0), np.uint8))
    rejected: list[Rejection] = field(default_factory=list)
    skipped: list[bytes] = field(default_factory=list)
    unchanged: dict[bytes, Stamp] = field(default_factory=dict)
    keys: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        """Number of inputs: hashed, rejected, skipped and unchanged."""
        others = len(self.rejected) + len(self.skipped) + len(self.unchanged)
        return len(self.paths) + others

    def input_paths(self) -> Iterator[bytes]:
        """Their paths."""
        rejected = (rejection.path for rejection in self.rejected)
        return chain(self.paths, rejected, self.skipped, self.unchanged)
