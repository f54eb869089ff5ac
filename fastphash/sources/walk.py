"""The walk through a folder on this machine, depth first."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fastphash.files.own_names import is_join_name, is_own_name, is_taken_name
from fastphash.sources.hidden import is_hidden
from fastphash.sources.mask_folders import FolderPair
from fastphash.sources.name_patterns import NamePatterns
from fastphash.sources.protocol import Entry
from fastphash.sources.sidecar_names import is_sidecar_name


def excluded(path: bytes) -> Entry:
    """What patterns leave out."""
    return Entry(path, hidden=True, excluded=True)


def walk(
    root: bytes,
    avoid: Path | None,
    patterns: NamePatterns,
    masks_in: Callable[[bytes], Mapping[bytes, FolderPair]],
    *,
    hidden: bool,
) -> Iterator[Entry]:
    """Every file below a folder in canonical order, without those below the folder `avoid`.

    Names of each folder are sorted by their bytes; folders that are reached twice are walked once.
    `masks_in` gives the masks in a folder, by its path below the root: their names and pairs.
    """
    # folders entered, so that loops of links end
    seen: set[tuple[int, int]] = set()
    if avoid is not None and avoid.exists():
        seen.add(_identity(avoid))
    # the open folders, deepest last: path with a slash, the entries that are left, and the
    # masks
    open_folders: list[tuple[bytes, Iterator[os.DirEntry[bytes]], Mapping[bytes, FolderPair]]] = []

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
        open_folders.append((prefix, iter(entries), masks_in(prefix[:-1])))
        return None

    problem = enter(root, b"")
    while open_folders or problem:
        if problem:
            yield problem
            problem = None
            continue
        prefix, entries, masks = open_folders[-1]
        entry = next(entries, None)
        if entry is None:
            open_folders.pop()
        elif is_taken_name(entry.name):
            yield Entry(prefix + entry.name, hidden=True, unfinished=True)
        elif is_own_name(entry.name) or is_join_name(entry.name):
            continue
        elif is_hidden(entry.name) and not hidden:
            yield Entry(prefix + entry.name, hidden=True)
        elif patterns.leave_out_below(prefix + entry.name):
            yield excluded(prefix + entry.name)
        elif _is_folder(entry):
            problem = enter(entry.path, prefix + entry.name + b"/")
        elif patterns.leave_out(prefix + entry.name):
            yield excluded(prefix + entry.name)
        elif entry.name in masks:
            yield Entry(prefix + entry.name, hidden=True, mask=str(masks[entry.name]))
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
    except OSError:  # a link to nothing: the reader reports an image, and who reads labels a label
        return is_sidecar_name(entry.name)
    return not stat.S_ISREG(mode)
