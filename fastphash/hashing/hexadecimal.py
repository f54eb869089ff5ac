"""Hashes to hexadecimal digits and back."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastphash.errors import UsageError

_DIGITS = set("0123456789abcdefABCDEF")


def to_hex(hashes: Any) -> Any:
    """Write hashes as 16 hexadecimal digits, like ``str(imagehash.phash(image))``.

    Parameters
    ----------
    hashes : int or array-like of uint64
        One hash, or any number of them.

    Returns
    -------
    str or list of str
        A str for one hash; a list, nested like the array, for several.

    Raises
    ------
    UsageError
        A value isn't a whole number from 0 to 2**64 - 1.

    Examples
    --------
    >>> to_hex(0xD879F8F8)
    '00000000d879f8f8'
    >>> to_hex([1, 255])
    ['0000000000000001', '00000000000000ff']
    """
    if isinstance(hashes, (int, np.integer)):
        if isinstance(hashes, bool) or not 0 <= hashes < 1 << 64:
            raise UsageError(f"a hash is a whole number from 0 to 2**64 - 1, not {hashes!r}")
        return f"{int(hashes):016x}"
    # numpy would make floats of a list with large and negative numbers
    values = hashes if isinstance(hashes, np.ndarray) else np.asarray(hashes, object)
    if values.ndim == 0 and not isinstance(values.item(), int):
        raise UsageError(f"a hash is a whole number from 0 to 2**64 - 1, not {hashes!r}")
    return to_hex(values.item()) if values.ndim == 0 else [to_hex(value) for value in values]


def from_hex(text: Any) -> Any:
    """Read hashes from 16 hexadecimal digits each, the inverse of `to_hex`.

    Parameters
    ----------
    text : str or iterable of str
        The digits of one hash or of several, in either case.

    Returns
    -------
    uint64 or uint64 (n,)
        One hash for a str, an array otherwise.

    Raises
    ------
    UsageError
        A text isn't 16 hexadecimal digits.

    Examples
    --------
    >>> int(from_hex("00000000000000ff"))
    255
    >>> from_hex(["0000000000000001", "00000000000000FF"])
    array([  1, 255], dtype=uint64)
    """
    if isinstance(text, Iterable) and not isinstance(text, str):
        return np.array([from_hex(item) for item in text], np.uint64)
    if (
        not isinstance(text, str)
        or len(text) != 16
        or not set(text) <= set("0123456789abcdefABCDEF")
    ):
        raise UsageError(f"not a 64-bit hash in sixteen hex digits: {text!r}")
    return np.uint64(int(text, 16))
