"""Lists and files of labels that are written as drafts first, and get their names together."""

from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from fastphash.base import paths, system
from fastphash.errors import UsageError
from fastphash.files.atomic import name_draft, new_draft
from fastphash.files.digest import hex_digest_of

T = TypeVar("T")

#: Folder in an audit's folder, for lists by default and for the labels of a move.
CLEAN = "clean"


class Drafts:
    """Files written beside their names: a context that leaves no draft behind.

    Whatever is wrong with a file shows before anything else is done.

    Parameters
    ----------
    overwrite : bool
        Whether a file may replace one with other contents.
    """

    def __init__(self, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._drafts: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for draft in self._drafts.values():
            draft.unlink(missing_ok=True)

    def add(self, path: Path, write: Callable[[Path], T]) -> T:
        """Write the draft of a file, or replace it; UsageError if its name is taken."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._check_clash(path)
        if path not in self._drafts:
            self._drafts[path] = new_draft(path)
        result = write(self._drafts[path])
        self._check(path)
        return result

    def publish(self) -> list[Path]:
        """Give all files their names and return them; UsageError if a name is taken."""
        for path, draft in self._drafts.items():
            name_draft(draft, path, overwrite=self._check(path))
            system.sync_folder(path.parent)
        return list(self._drafts)

    def _check_clash(self, path: Path) -> None:
        """Raise UsageError if another draft gets the same name, in another case."""
        others = [other for other in self._drafts if other.parent == path.parent and other != path]
        clash = paths.clashes([*(other.name for other in others), path.name], path.parent)
        if clash:
            raise UsageError(
                f"{str(others[clash[len(others)]])!r} and {str(path)!r} are one file where case "
                "doesn't count: name a folder on another disk, or audit with other names of splits"
            )

    def _check(self, path: Path) -> bool:
        """Whether the draft may replace a file: one that says the same, or any if asked to.

        UsageError if another file is there, or a folder.
        """
        if path.is_dir():
            raise UsageError(f"{str(path)!r} is a folder: move it, or name another place")
        if self._overwrite:
            return True
        if not path.exists():
            return False
        if hex_digest_of(self._drafts[path]) != hex_digest_of(path):
            raise UsageError(f"{str(path)!r} exists and says something else: `overwrite`")
        return True
