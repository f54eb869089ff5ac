"""Names of files where systems differ: separators, drives, case, names that aren't allowed.

Paths within a split have slashes on every system. Functions take `flavour`, which is `posixpath` or
`ntpath`: the system's own by default.
"""

import contextlib
import os
import tempfile
import unicodedata
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, AnyStr

from fastphash.base.arguments import quoted
from fastphash.errors import UsageError

#: What the system's calls take as a path.
Name = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in (*range(10), "¹", "²", "³")
}
_NOT_ON_WINDOWS = frozenset('<>:"|?*\\') | {chr(code) for code in range(32)}


def name_bytes(path: Any) -> bytes:
    """The exact name of what a caller gives as a path; UsageError if it is none."""
    try:
        return os.fsencode(path)
    except TypeError:
        raise UsageError(f"a path is a str, bytes or a path object, not {quoted(path)}") from None


def given_path(path: Any) -> Path:
    """What a caller gives as a path on a disk; UsageError if it is none."""
    text = os.fsdecode(name_bytes(path))
    if "://" in text and "/" not in text.partition("://")[0]:
        # it would be a folder called `s3:`
        raise UsageError(f"{text!r} is an address: name a place on a disk")
    if not text:
        raise UsageError("'' is no path: name one, or . for the current folder")
    return Path(text)


def is_path(value: Any) -> bool:
    """Whether a value is one path, rather than several."""
    return isinstance(value, str | bytes | os.PathLike)


def with_slashes(path: AnyStr, flavour: ModuleType = os.path) -> AnyStr:
    r"""A path with slashes instead of the system's separators.

    >>> import ntpath, posixpath
    >>> with_slashes(r"C:\photos\a.jpg", ntpath), with_slashes(r"a\b.jpg", posixpath)
    ('C:/photos/a.jpg', 'a\\b.jpg')
    """
    if flavour.sep == "/":
        return path
    return path.replace(b"\\", b"/") if isinstance(path, bytes) else path.replace("\\", "/")


def tidy(name: bytes, root: bytes, flavour: ModuleType = os.path) -> bytes:
    r"""A listed name as stores have it: with slashes, relative to a root or absolute outside of it.

    Double slashes and single dots go; what ``..`` means behind a link only the system knows.

    >>> import ntpath
    >>> tidy(rb"c:\Photos\.\train\a.jpg", rb"C:\photos", ntpath)
    b'train/a.jpg'
    """
    drive, rest = flavour.splitdrive(name)
    drive, rest, start = (with_slashes(part, flavour) for part in (drive, rest, root))
    steps = [step for step in rest.split(b"/") if step not in (b"", b".")]
    path = drive + (b"/" if rest.startswith(b"/") else b"") + b"/".join(steps)
    start = start.rstrip(b"/") + b"/"
    inside = flavour.normcase(path[: len(start)]) == flavour.normcase(start)
    return path[len(start) :] if inside else path


def is_inside(path: AnyStr, folder: AnyStr, flavour: ModuleType = os.path) -> bool:
    r"""Whether an absolute path lies below a folder, both without links and dots.

    >>> import ntpath
    >>> is_inside(r"c:\Photos\a.jpg", r"C:\photos", ntpath), is_inside("C:\\b", "D:\\", ntpath)
    (True, False)
    """
    start = flavour.join(flavour.normcase(folder), folder[:0])
    path = flavour.normcase(path)
    return path != start and path.startswith(start)


def lies_in(inner: bytes, outer: bytes) -> bool:
    """Whether a folder is below another, or is it, by another name too.

    A file system that ignores case, or is mounted twice, gives one folder several names that links
    don't explain.
    """
    inner, outer = os.path.realpath(inner), os.path.realpath(outer)
    if inner == outer or is_inside(inner, outer):
        return True
    if not os.path.exists(outer):
        return False
    below = b""
    while inner != below:
        if os.path.exists(inner) and os.path.samefile(inner, outer):
            return True
        inner, below = os.path.dirname(inner), inner
    return False


def leaves_folder(path: bytes, flavour: ModuleType = os.path) -> bool:
    r"""Whether a path, joined to a folder, may lead to something that isn't below the folder.

    So do ``..`` and absolute paths; on Windows also drives, streams of files and names of devices.

    >>> import ntpath, posixpath
    >>> [leaves_folder(rb"..\a.jpg", flavour) for flavour in (posixpath, ntpath)]
    [False, True]
    """
    steps = with_slashes(path, flavour).split(b"/")
    if flavour.isabs(path) or not steps[0] or b".." in steps:
        return True
    return flavour.sep == "\\" and any(
        b":" in step or not is_name(os.fsdecode(step), flavour) for step in steps
    )


def is_name(name: str, flavour: ModuleType = os.path) -> bool:
    """Whether a file may have this name, without folders.

    >>> import ntpath
    >>> [is_name(name, ntpath) for name in ("val", "Con.txt", "val.", "a:b")]
    [True, False, False, False]
    """
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        return False
    if flavour.sep == "/":
        return True
    device = name.partition(".")[0].rstrip(" ").lower() in _DEVICES
    return not (device or name.endswith((" ", ".")) or _NOT_ON_WINDOWS & set(name))


def folded(name: str) -> str:
    """A name as file systems compare it that ignore case and ways to write an accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def clashes(names: Iterable[str], folder: Name) -> dict[int, int]:
    """Names that are one file in a folder with an earlier one: their positions, by that of each.

    Where names differ only in case, or in how an accent is written, folders are made there for a
    moment, to see what its file system takes them for.

    Parameters
    ----------
    names : iterable of str
        Relative to the folder, with slashes.
    folder : path
        It need not be there yet.
    """
    is_one = cache(partial(_is_one_name, _nearest_folder(folder)))
    first: dict[str, tuple[int, list[str]]] = {}
    found = {}
    for place, name in enumerate(names):
        steps = name.split("/")
        earlier, others = first.setdefault(folded(name), (place, steps))
        if earlier != place and all(
            is_one(*_simplest(one, other))
            for one, other in zip(others, steps, strict=True)
            if one != other
        ):
            found[place] = earlier
    return found


def _simplest(one: str, other: str) -> tuple[str, str]:
    """Two names that a file system takes for one if it does so with these."""
    return ("a", "A") if one.isascii() and other.isascii() else (one, other)


def _nearest_folder(folder: Name) -> str:
    """The folder, or the one above it that is there."""
    place = os.path.abspath(os.fsdecode(folder))
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    return place


def _is_one_name(folder: str, one: str, other: str) -> bool:
    """Whether two names are one file in a folder."""
    # where nothing can be written, nothing will get these names
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=folder) as trial:
        os.mkdir(os.path.join(trial, one))
        return os.path.lexists(os.path.join(trial, other))
    return False
