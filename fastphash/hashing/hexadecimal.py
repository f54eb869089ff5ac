"""Hashes to hexadecimal digits and back."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastphash.errors import UsageError

_DIGITS = set("0123456789abcdefABCDEF")
_WORD_DIGITS = 16


def to_hex(hashes: Any, *, bits: int = 64) -> Any:
    """Write hashes as 16 hexadecimal digits, like ``str(imagehash.phash(image))``.

    Parameters
    ----------
    hashes : int or array-like of uint64
        One hash, or any number of them; of more than 64 bits (..., bits / 64).
    bits : int, optional
        Bits of a hash. One of 256 bits is written as 64 digits, like
        ``str(imagehash.phash(image, hash_size=16))``.

    Returns
    -------
    str or list of str
        A str for one hash; a list, nested like the array, for several.

    Raises
    ------
    UsageError
        A value isn't a whole number from 0 to 2**64 - 1, or a hash has another number of words.

    Examples
    --------
    >>> to_hex(0xD879F8F8)
    '00000000d879f8f8'
    >>> to_hex([1, 255])
    ['0000000000000001', '00000000000000ff']
    >>> to_hex(np.array([[1, 2, 3, 255]], np.uint64), bits=256)
    ['00000000000000010000000000000002000000000000000300000000000000ff']
    """
    words = _words(bits)
    # numpy would make floats of a list with large and negative numbers
    values = hashes if isinstance(hashes, np.ndarray) else np.asarray(hashes, object)
    if words == 1:
        return _word_to_hex(values.item()) if values.ndim == 0 else [*map(to_hex, values)]
    if values.shape[-1:] != (words,):
        raise UsageError(f"hashes of {bits} bits are (..., {words}), not {values.shape}")
    if values.ndim == 1:
        return "".join(map(_word_to_hex, values))
    return [to_hex(value, bits=bits) for value in values]


def from_hex(text: Any, *, bits: int = 64) -> Any:
    """Read hashes from 16 hexadecimal digits each, the inverse of `to_hex`.

    Parameters
    ----------
    text : str or iterable of str
        The digits of one hash or of several, in either case.
    bits : int, optional
        Bits of a hash: one of 256 bits has 64 digits.

    Returns
    -------
    uint64 or uint64 (n,)
        One hash for a str, an array otherwise. Of more than 64 bits (bits / 64,) or
        (n, bits / 64).

    Raises
    ------
    UsageError
        A text isn't so many hexadecimal digits.

    Examples
    --------
    >>> int(from_hex("00000000000000ff"))
    255
    >>> from_hex(["0000000000000001", "00000000000000FF"])
    array([  1, 255], dtype=uint64)
    >>> from_hex("000000000000000100000000000000020000000000000003000000000000000f", bits=256)
    array([ 1,  2,  3, 15], dtype=uint64)
    """
    words = _words(bits)
    if isinstance(text, Iterable) and not isinstance(text, str):
        hashes = [from_hex(item, bits=bits) for item in text]
        empty = (0,) if words == 1 else (0, words)
        return np.array(hashes, np.uint64) if hashes else np.empty(empty, np.uint64)
    digits = words * _WORD_DIGITS
    if not isinstance(text, str) or len(text) != digits or not set(text) <= _DIGITS:
        raise UsageError(f"not a {bits}-bit hash in {digits} hex digits: {text!r}")
    read = [np.uint64(int(text[i : i + _WORD_DIGITS], 16)) for i in range(0, digits, _WORD_DIGITS)]
    return read[0] if words == 1 else np.array(read)


def _words(bits: int) -> int:
    if bits not in (64, 256):
        raise UsageError(f"`bits` is 64 or 256, not {bits!r}")
    return bits // 64


def _word_to_hex(word: Any) -> str:
    if isinstance(word, bool) or not isinstance(word, (int, np.integer)) or not 0 <= word < 1 << 64:
        raise UsageError(f"a hash is a whole number from 0 to 2**64 - 1, not {word!r}")
    return f"{int(word):016x}"
