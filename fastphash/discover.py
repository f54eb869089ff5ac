"""Splits given by the user to references of files, in an order that never changes."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastphash.errors import UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """One split: a folder to walk, or the files of a list.

    Attributes
    ----------
    split : str
    root : bytes
        Absolute; paths are relative to it.
    files : tuple of bytes, optional
        Paths relative to the root (or absolute, outside of it), in canonical order.
    """

    split: str
    root: bytes
    files: tuple[bytes, ...] | None = None

    def entries(self, avoid: Path | None = None) -> Iterator["Entry"]:
        """Every file of the split, in canonical order, but for those in a folder to avoid."""
        if self.files is None:
            return _walk(self.root, avoid)
        return (Entry(path) for path in self.files)


@dataclass(frozen=True, slots=True)
class Entry:
    """One input of a split.

    Attributes
    ----------
    path : bytes
        Relative to the split's root.
    problem : str or None
        Why it can't be read at all: a folder that may not be listed.
    special : bool
        Neither a file nor a folder: a pipe, a socket, a device.
    """

    path: bytes
    problem: str | None = None
    special: bool = False


def folder_source(text: str) -> Source:
    """The split of ``[SPLIT=]DIR``; without a name it is called as its folder.

    Raises
    ------
    UsageError
        No such folder, or no usable name.
    """
    name, separator, folder = text.partition("=")
    if not separator or os.path.isdir(text):
        name, folder = "", text
    if not os.path.exists(folder):
        raise UsageError(f"no such folder: {folder!r}")
    if not os.path.isdir(folder):
        raise UsageError(f"not a folder: {folder!r} (a list of files goes with --files)")
    root = os.path.abspath(folder)
    return Source(check_split(name or os.path.basename(root)), os.fsencode(root))


def list_source(split: str, names: bytes, separator: bytes = b"\n") -> Source:
    """A split of listed files, relative to the working folder, in canonical order, each once.

    Parameters
    ----------
    split : str
    names : bytes
        Paths, each ended by the separator.
    """
    root = os.fsencode(os.getcwd())
    if separator == b"\n" and b"\0" in names:
        raise UsageError(f"the list of {split!r} has NUL bytes: is it of find -print0? Use -0")
    if separator == b"\n":
        names = names.replace(b"\r\n", b"\n")
    paths = set()
    for name in names.split(separator):
        if name:
            # not normpath: what .. means behind a link, only the system knows
            steps = [step for step in name.split(b"/") if step not in (b"", b".")]
            path = (b"/" if name.startswith(b"/") else b"") + b"/".join(steps)
            inside = path.startswith(root + b"/")
            paths.add(path[len(root) + 1 :] if inside else path)
    ordered = sorted(paths, key=lambda path: path.split(b"/"))
    return Source(check_split(split), root, tuple(ordered))


def check_split(name: str) -> str:
    """A name that can stand in ``SPLIT=DIR``, ``STORE@SPLIT`` and ``SPLIT,SPLIT``."""
    if not name.isprintable() or name in ("", ".", "..") or any(c in name for c in "=@,/"):
        raise UsageError(
            f"{name!r} can't name a split (empty, not printable, or with one of = @ , /): "
            "give it a name, NAME=PATH"
        )
    return name


def check_sources(sources: list[Source]) -> None:
    """Raise UsageError if two splits share their name, or a folder, or one holds the other."""
    for i, one in enumerate(sources):
        for other in sources[:i]:
            if one.split == other.split:
                raise UsageError(
                    f"two splits are called {one.split!r}: {os.fsdecode(other.root)} and "
                    f"{os.fsdecode(one.root)}; name them with NAME=PATH"
                )
            if one.files is not None or other.files is not None:
                continue
            inner, outer = os.path.realpath(one.root), os.path.realpath(other.root)
            if len(inner) < len(outer):
                inner, outer = outer, inner
            if inner == outer or inner.startswith(outer.rstrip(b"/") + b"/"):
                same = "are the same folder" if inner == outer else "lie in one another"
                raise UsageError(
                    f"splits {other.split!r} ({os.fsdecode(other.root)}) and {one.split!r} "
                    f"({os.fsdecode(one.root)}) {same}: every image would leak"
                )


def _walk(root: bytes, avoid: Path | None) -> Iterator[Entry]:
    seen: set[tuple[int, int]] = set()
    if avoid is not None and avoid.exists():
        seen.add(_identity(avoid))
    # the open folders, deepest last: the path of each with a slash, and what is left in it
    open_folders: list[tuple[bytes, Iterator[os.DirEntry[bytes]]]] = []

    def enter(folder: bytes, prefix: bytes) -> Entry | None:
        try:
            identity = _identity(folder)
            if identity in seen:
                return None
            seen.add(identity)
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            return Entry(prefix.rstrip(b"/") or b".", problem=f"folder: {error.strerror}")
        open_folders.append((prefix, iter(entries)))
        return None

    problem = enter(root, b"")
    while open_folders or problem:
        if problem:
            yield problem
            problem = None
            continue
        prefix, entries = open_folders[-1]
        entry = next(entries, None)
        if entry is None:
            open_folders.pop()
        elif _is_folder(entry):
            problem = enter(entry.path, prefix + entry.name + b"/")
        else:
            yield Entry(prefix + entry.name, special=_is_special(entry))


def _identity(folder: bytes | Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _is_folder(entry: "os.DirEntry[bytes]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_special(entry: "os.DirEntry[bytes]") -> bool:
    try:
        if entry.is_file():
            return False
        mode = entry.stat().st_mode
    except OSError:  # a link to nothing: reading it will say so
        return False
    return not stat.S_ISREG(mode)
