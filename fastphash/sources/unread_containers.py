"""Containers among the files of a folder: they are read only if they are named."""

import glob
import os

from fastphash.sources.containers import CONTAINER_ENDINGS, is_container
from fastphash.sources.remote.address import below, is_remote


def naming_pattern(root: bytes, path: bytes) -> str | None:
    """A pattern that names a file and its like, if it is a container; else None.

    Parameters
    ----------
    root : bytes
        Folder or address.
    path : bytes
        Below the root, or absolute.
    """
    name = below(root, path)
    if not is_container(name):
        return None
    folder = os.path.dirname(name) if os.path.isabs(path) else root
    text = os.fsdecode(folder)
    anywhere = "**/" if not os.path.isabs(path) and b"/" in path else ""
    ending = next(end for end in CONTAINER_ENDINGS if name.lower().endswith(os.fsencode(end)))
    as_written = os.fsdecode(name[-len(ending) :])
    return f"{text if is_remote(folder) else glob.escape(text)}/{anywhere}*{as_written}"


def unread_in_words(split: str, containers: dict[str, int]) -> list[str]:
    """How many containers of a split were not read, and how to name them: a line for each pattern.

    Parameters
    ----------
    split : str
    containers : dict of str to int
        How many a pattern names.
    """
    return [
        f"{number:,} {'file' if number == 1 else 'files'} like {os.path.basename(pattern)} "
        f"{'was' if number == 1 else 'were'} not read: for the images in there, name "
        f"'{split}={pattern}'"
        for pattern, number in containers.items()
    ]
