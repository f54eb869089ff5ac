"""Atomic writes: a file, or a JSON value, appears whole or not at all."""

import contextlib
import glob
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fastphash.base.system import replace_file, sync_file, sync_folder
from fastphash.errors import StoreError, UsageError
from fastphash.files.exclusive_rename import give_name
from fastphash.files.own_names import with_room

# nobody else ends names like this: what is left of it by a killed run may be removed
_DRAFT = ".fastphash.tmp"
# bytes of that, of a first character, and of a number
_DRAFT_ROOM = len(_DRAFT) + 8


@contextlib.contextmanager
def replacing(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """A temporary path to write: on success it replaces `path`, on an error it is removed.

    Its name starts with ``_``, so that readers of a store don't take it for a part.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether a file of that name is replaced.

    Raises
    ------
    UsageError
        Without `overwrite`, there is one in the end: another program made it meanwhile.
    """
    temporary = new_draft(path)
    try:
        yield temporary
        sync_file(temporary)
        name_draft(temporary, path, overwrite=overwrite)
        sync_folder(path.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def name_draft(draft: Path, path: Path, *, overwrite: bool) -> None:
    """Give a draft its name; UsageError if a file has it that may not be replaced."""
    if overwrite:
        replace_file(draft, path)
        return
    try:
        give_name(os.fsencode(draft), os.fsencode(path))
    except FileExistsError as error:
        raise UsageError(
            f"{str(path)!r} was made by another program meanwhile: `overwrite` replaces it"
        ) from error


def new_draft(path: Path) -> Path:
    """Make an empty file beside a path, under a name that no file has.

    ``_NAME.fastphash.tmp``, or with a number; of a very long name there is a digest instead.
    """
    for number in itertools.count():
        infix = f".{number}" if number else ""
        draft = path.with_name(f"{_draft_stem(path)}{infix}{_DRAFT}")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return draft
    raise AssertionError("unreachable")


def remove_drafts(path: Path) -> None:
    """Delete drafts that a killed run left beside a path that nobody else is writing."""
    for draft in drafts_of(path):
        draft.unlink(missing_ok=True)


def drafts_of(path: Path) -> list[Path]:
    """Drafts beside a path: being written, or left by a killed run."""
    return list(path.parent.glob(f"{glob.escape(_draft_stem(path))}*{_DRAFT}"))


def _draft_stem(path: Path) -> str:
    """What the names of a file's drafts begin with."""
    return f"_{os.fsdecode(with_room(os.fsencode(path.name), _DRAFT_ROOM))}"


def is_leftover(path: Path) -> bool:
    """Whether this is a temporary file: if nothing is writing, a killed run left it."""
    return path.name.startswith("_") and path.name.endswith(_DRAFT)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that a killed run left."""
    for path in folder.glob("_*"):
        if is_leftover(path):
            path.unlink(missing_ok=True)


def write_json(path: Path, value: Any, *, overwrite: bool = True) -> None:
    """Write indented JSON with keys in the given order, and all but ASCII escaped.

    `overwrite` and errors as for `replacing`.
    """
    with (
        replacing(path, overwrite=overwrite) as temporary,
        open(temporary, "w", encoding="ascii") as file,
    ):
        json.dump(value, file, indent=2)
        file.write("\n")


def write_json_array(path: Path, elements: Iterable[Any], *, overwrite: bool = True) -> int:
    """Write an array as `write_json` does, as its elements arrive; returns how many there are."""
    number = 0
    with (
        replacing(path, overwrite=overwrite) as temporary,
        open(temporary, "w", encoding="ascii") as file,
    ):
        file.write("[")
        for number, element in enumerate(elements, 1):
            text = json.dumps(element, indent=2).replace("\n", "\n  ")
            file.write(f"{',' if number > 1 else ''}\n  {text}")
        file.write("\n]\n" if number else "]\n")
    return number


def read_json(path: Path, hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Read JSON; StoreError if the file can't be read or isn't JSON.

    `hook` makes what stands for an object, of its names and values.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=hook)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    except RecursionError as error:
        raise StoreError(f"{path}: its JSON is nested too deep") from error
    except ValueError as error:
        raise StoreError(f"{path}: not JSON: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """The message of an error in one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]
