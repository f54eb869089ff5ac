"""Hashes to and from their hexadecimal form."""

from typing import Any

import numpy as np

from fastphash.errors import UsageError


def to_hex(hashes: Any) -> Any:
    """Sixteen hex digits, as ``str(imagehash.phash(image))``: a str for one hash, else a list.

    Examples
    --------
    >>> to_hex(0xD879F8F8)
    '00000000d879f8f8'
    """
    values = np.asarray(hashes, np.uint64)
    if values.ndim == 0:
        return f"{int(values):016x}"
    return [to_hex(value) for value in values]


def from_hex(text: Any) -> Any:
    """The inverse of `to_hex`: np.uint64 for a str, uint64 (n,) for a sequence of them.

    Raises
    ------
    UsageError
        Not sixteen hex digits.

    Examples
    --------
    >>> int(from_hex("00000000000000ff"))
    255
    """
    if not isinstance(text, str):
        return np.array([from_hex(item) for item in text], np.uint64)
    if len(text) != 16 or not set(text) <= set("0123456789abcdefABCDEF"):
        raise UsageError(f"not a 64-bit hash in sixteen hex digits: {text!r}")
    return np.uint64(int(text, 16))
