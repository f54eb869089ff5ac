"""Patterns that say which files of a folder or a list belong to a split."""

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fastphash.base.arguments import quoted
from fastphash.errors import UsageError

_ANY_FOLDERS = "**"
# signs in brackets; a bracket that comes first in them stands for itself
_IN_BRACKETS = re.compile(r"\[!?+\]?+[^]]*\]")


@dataclass(frozen=True, slots=True)
class NamePatterns:
    """Which paths are left out: those that `exclude` matches, and those that `include` doesn't.

    `*`, `?` and `[...]` stand for parts of one name, `**` for any folders. A pattern without a
    slash, but for one at its end, matches names in any folder. What matches a folder matches all
    below it.

    Attributes
    ----------
    include : tuple of str
        Empty for every path.
    exclude : tuple of str
        They win.

    Raises
    ------
    UsageError
        A pattern has no name in it, or one that no path can match.

    Examples
    --------
    >>> patterns = NamePatterns(include=("*.jpg", "raw/**"), exclude=("thumbs", "/old/*.jpg"))
    >>> paths = [b"cat/1.jpg", b"1.png", b"raw/1.png", b"raw/thumbs/1.jpg", b"old/1.jpg"]
    >>> [patterns.leave_out(path) for path in paths]
    [False, True, False, True, True]
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, patterns in (("include", self.include), ("exclude", self.exclude)):
            for pattern in patterns:
                if why := _why_nothing(pattern):
                    raise UsageError(f"`{name}` {quoted(pattern)} {why}")

    def leave_out(self, path: bytes) -> bool:
        """Whether a file doesn't belong to the split, by its path in it."""
        return self.leave_out_below(path) or (
            bool(self.include) and not _matches_any(path, self.include)
        )

    def leave_out_below(self, folder: bytes) -> bool:
        """Whether nothing in a folder belongs to the split, by its path in it."""
        return bool(self.exclude) and _matches_any(folder, self.exclude)


#: Leaves nothing out.
ALL_NAMES = NamePatterns()


def _matches_any(path: bytes, patterns: tuple[str, ...]) -> bool:
    names = [name for name in os.fsdecode(path).split("/") if name]
    return any(_matches(names, _steps(pattern)) for pattern in patterns)


def _why_nothing(pattern: str) -> str:
    """Why a pattern can match nothing; empty if it may match something."""
    steps = _steps(pattern)
    if not steps:
        return "names nothing: write '*.jpg' or 'thumbs/**'"
    if ".." in steps:
        return "has '..', which no path in a split has: write the path in there"
    if any("[" in _IN_BRACKETS.sub("", step) for step in steps):
        return "has a '[' without its ']': write '[[]' for the sign itself"
    return ""


def _steps(pattern: str) -> list[str]:
    """The parts of a pattern, which begin at the root of the split."""
    steps = [step for step in pattern.split("/") if step not in ("", ".")]
    is_anywhere = "/" not in pattern.rstrip("/")
    return [_ANY_FOLDERS, *steps] if is_anywhere and steps else steps


def _matches(names: list[str], steps: list[str]) -> bool:
    """Whether a path, or a folder that it is in, is what a pattern says."""
    if not steps:
        return True
    if not names:
        return False
    if steps[0] == _ANY_FOLDERS:
        return any(_matches(names[start:], steps[1:]) for start in range(len(names)))
    return fnmatchcase(names[0], steps[0]) and _matches(names[1:], steps[1:])
