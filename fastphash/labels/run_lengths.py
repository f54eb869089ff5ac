"""Run-length masks of COCO files: whether they are whole."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# characters of one number: 35 bits, more than any mask has pixels
_MAX_CHARACTERS = 7


def run_length_problem(segmentation: dict[str, Any]) -> str:
    """What is wrong with a run-length mask, in a few words; empty if nothing is.

    `size` must be height and width, and `counts` the lengths of runs that fill them: a list of
    numbers, or the text that the COCO API writes.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not (_are_counts(size) and isinstance(size, list) and len(size) == 2):
        return "size is not [height, width]"
    runs = counts if isinstance(counts, list) else _decode(counts)
    if not _are_counts(runs):
        return "counts are no lengths of runs"
    assert runs is not None
    pixels = sum(runs)
    if pixels != size[0] * size[1]:
        return f"counts of {pixels:,} pixels for a size of {size[0]} x {size[1]}"
    return ""


def _are_counts(values: Any) -> bool:
    """Whether it is a list of whole numbers from 0 on."""
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _decode(text: Any) -> list[int] | None:
    """Lengths of runs from a text of the COCO API, or None if it is none.

    Each character has 6 bits, from "0" on: 5 of a number, lowest first, and whether more follow.
    From the fourth number on, they are differences to the number two before.
    """
    if not isinstance(text, str) or not text.isascii():
        return None
    codes = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - ord("0")
    if not codes.size or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        return None
    last = np.flatnonzero((codes & 32) == 0)
    first = np.concatenate(([0], last[:-1] + 1))
    lengths = last - first + 1
    if lengths.max() > _MAX_CHARACTERS:
        return None
    place = np.arange(codes.size) - np.repeat(first, lengths)
    runs: NDArray[np.int64] = np.add.reduceat((codes & 31) << (5 * place), first)
    runs -= ((codes[last] & 16) != 0) * (np.int64(1) << (5 * lengths))
    for start in (1, 2):
        runs[start::2] = np.cumsum(runs[start::2])
    return [int(run) for run in runs]
