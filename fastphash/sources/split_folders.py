"""Folders named train, val or test in the folder of one split: perhaps they are the real splits."""

import os
import re
from collections.abc import Iterable

from fastphash.base.text import display_name, listed
from fastphash.sources.protocol import Source
from fastphash.sources.split_names import ENDINGS, TEST, TRAINING, VALIDATION

# train, Validation, test_set, val2017, images-train, train_images
_NAME = re.compile(
    r"(?:images?[_-]?)?"
    f"(?:({'|'.join(TRAINING)})|({'|'.join(VALIDATION)})|({'|'.join(TEST)}))"
    rf"(?:[_-]?(?:{'|'.join(ENDINGS)}|\d{{2,4}}))*",
    re.IGNORECASE,
)
# folders of a split that may hold such folders in its place
_BETWEEN = (b"images", b"image", b"imgs", b"img", b"data", b"JPEGImages")


def find_split_folders(source: Source) -> dict[str, bytes]:
    """The folders of a split that are named as splits are, by name, if they are of two kinds.

    Kinds are training, validation and test. The folders lie in the split's folder, or in its
    folder `images`, for example.

    Returns
    -------
    dict of str to bytes
        Absolute folders; empty for a list of files.
    """
    if source.listed:
        return {}
    for parent in (source.root, *(os.path.join(source.root, name) for name in _BETWEEN)):
        if found := _named_as_splits(parent):
            return found
    return {}


def name_split_folders(split: str, folders: Iterable[str]) -> str:
    """Words on the folders of a split that are named as splits are; a sentence without its end."""
    return (
        f"{display_name(split)} holds {listed(list(folders))}, and is audited as one split: no "
        "leaks between these are found"
    )


def are_split_names(names: Iterable[str]) -> bool:
    """Whether names are those of splits, of two kinds or more: training, validation, test.

    >>> are_split_names(["train", "val2017"]), are_split_names(["train", "bus"])
    (True, False)
    """
    kinds = {match.lastindex for match in map(_NAME.fullmatch, names) if match}
    return len(kinds) > 1


def _named_as_splits(parent: bytes) -> dict[str, bytes]:
    """Folders in a folder that are named as splits are; empty if they are of one kind only."""
    try:
        with os.scandir(parent) as entries:
            folders = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:
        return {}
    names = {os.fsdecode(name): os.path.join(parent, name) for name in folders}
    found = {name: folder for name, folder in names.items() if _NAME.fullmatch(name)}
    return found if are_split_names(found) else {}
