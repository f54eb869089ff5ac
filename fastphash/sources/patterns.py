"""Names of several files in one word: ``{000..146}``, ``{a,b}``, ``*``."""

import glob
import os
import re
from collections.abc import Sequence
from itertools import product

from fastphash.errors import UsageError

# a range of numbers, or alternatives; neither holds other braces
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*,[^{}]*)\}")
_MOST = 1_000_000


def expand_braces(word: str) -> list[str]:
    """All words that a word with braces stands for; the word itself without any.

    Raises
    ------
    UsageError
        More than a million words, or a range that runs backwards.

    Examples
    --------
    >>> expand_braces("{08..10}.{tar,zip}")
    ['08.tar', '08.zip', '09.tar', '09.zip', '10.tar', '10.zip']
    """
    pieces: list[list[str]] = []
    end, number = 0, 1
    for match in _BRACES.finditer(word):
        choices = match[3].split(",") if match[3] is not None else _count(word, match[1], match[2])
        pieces += [[word[end : match.start()]], choices]
        end = match.end()
        number *= len(choices)
        if number > _MOST:
            raise UsageError(f"{word!r} stands for more than {_MOST:,} names")
    return ["".join(parts) for parts in product(*pieces, [word[end:]])]


def find_files(word: str) -> list[str]:
    """The files that a word with braces or wildcards stands for.

    A file of just this name comes first. What wildcards match is sorted.

    Raises
    ------
    UsageError
        A file of a range is missing, or nothing matches.
    """
    if os.path.lexists(word):
        return [word]
    names = expand_braces(word)
    return check_found(word, names, [sorted(glob.glob(name, recursive=True)) for name in names])


def check_found(word: str, names: Sequence[str], found: Sequence[list[str]]) -> list[str]:
    """All that was found for some names, which a word stands for.

    Raises
    ------
    UsageError
        Nothing was found for one of them.
    """
    missing = [name for name, files in zip(names, found, strict=True) if not files]
    if missing and len(missing) == len(names):
        raise UsageError(f"no such file: {word!r}")
    if missing:
        raise UsageError(
            f"no such file: {missing[0]!r} ({len(missing):,} of the {len(names):,} that {word!r} "
            "stands for are missing)"
        )
    return [file for files in found for file in files]


def has_pattern(word: str) -> bool:
    """Whether a word has braces or wildcards."""
    return bool(_BRACES.search(word)) or glob.has_magic(word)


def _count(word: str, first: str, last: str) -> list[str]:
    """The numbers of a range, with as many digits as its longer end if one begins with 0."""
    start, stop = int(first), int(last)
    if start > stop:
        raise UsageError(f"{word!r}: the range {{{first}..{last}}} runs backwards")
    if stop - start >= _MOST:
        raise UsageError(f"{word!r} stands for more than {_MOST:,} names")
    padded = any(len(end) > 1 and end.startswith("0") for end in (first, last))
    digits = max(len(first), len(last)) if padded else 1
    return [str(number).zfill(digits) for number in range(start, stop + 1)]
