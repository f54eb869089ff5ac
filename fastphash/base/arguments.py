"""Values that callers of the library give: checked, and shown in messages."""

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

from fastphash.errors import UsageError

# characters
_MOST_SHOWN = 80


def quoted(value: Any) -> str:
    """A value as Python writes it, on one line and not longer than a message.

    >>> import numpy as np
    >>> quoted("4"), quoted(np.eye(2, dtype=int))
    ("'4'", 'array([[1, 0], [0, 1]])')
    """
    return " ".join(f"{value!r:.{_MOST_SHOWN}}".split())


def is_number(value: Any) -> bool:
    """Whether a value is a real number, of Python or of NumPy."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, of Python or of NumPy."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_quality(least: Any) -> None:
    """Raise UsageError unless a parameter `min_quality` is the quality of a hash."""
    if not is_whole(least) or not 0 <= least <= 100:
        raise UsageError(f"`min_quality` is a whole number from 0 to 100, not {quoted(least)}")


def given_texts(texts: Any, name: str) -> list[str]:
    """A parameter that is several texts, or one; UsageError, with its name, if it is neither."""
    several = [texts] if isinstance(texts, str) else texts
    if isinstance(several, bytes) or not isinstance(several, Iterable):
        raise UsageError(f"`{name}` is a sequence of str, not {quoted(texts)}")
    several = list(several)
    for text in several:
        if not isinstance(text, str):
            raise UsageError(f"`{name}` is a sequence of str, not of {quoted(text)}")
    return several


def given_mapping(mapping: Any, name: str) -> dict[Any, Any]:
    """A parameter that has something for each split; UsageError, with its name, if it is none."""
    if mapping is None:
        return {}
    if not isinstance(mapping, Mapping):
        raise UsageError(
            f"`{name}` is a mapping by split, as {{'train': ...}}, not {quoted(mapping)}"
        )
    return dict(mapping)
