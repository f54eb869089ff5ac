"""Files that appear whole or not at all, and JSON written so."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xxhash

from fastphash.errors import StoreError

_TEMPORARY = ".tmp"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write; on success it becomes `path`, on any error it is removed.

    The name starts with ``_``, so that no reader of a store takes it for a part.
    """
    temporary = path.with_name(f"_{path.name}{_TEMPORARY}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def is_leftover(path: Path) -> bool:
    """Whether a file is a temporary one, of a run that was killed if none is at work."""
    return path.name.startswith("_") and path.name.endswith(_TEMPORARY)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of a run that was killed."""
    for path in folder.glob("_*"):
        if is_leftover(path):
            path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented and in the order given; what isn't UTF-8 in names is escaped."""
    with replacing(path) as temporary, open(temporary, "w", encoding="ascii") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def read_json(path: Path) -> Any:
    """Read JSON; StoreError if it isn't there or isn't JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise StoreError(f"{path}: not JSON: {line(error)}") from error


def file_digest(path: Path) -> str:
    """XXH3-128 of a file's bytes, in hex."""
    digest = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def line(error: Exception) -> str:
    """The text of an error in one line, cut to 300 characters."""
    return " ".join(str(error).split())[:300]
