"""Hashes to hexadecimal digits and back."""

from typing import Any

import numpy as np

from fastphash.errors import UsageError


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

    Examples
    --------
    >>> to_hex(0xD879F8F8)
    '00000000d879f8f8'
    >>> to_hex([1, 255])
    ['0000000000000001', '00000000000000ff']
    """
    values = np.asarray(hashes, np.uint64)
    if values.ndim == 0:
        return f"{int(values):016x}"
    return [to_hex(value) for value in values]


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
    if not isinstance(text, str):
        return np.array([from_hex(item) for item in text], np.uint64)
    if len(text) != 16 or not set(text) <= set("0123456789abcdefABCDEF"):
        raise UsageError(f"not a 64-bit hash in sixteen hex digits: {text!r}")
    return np.uint64(int(text, 16))
