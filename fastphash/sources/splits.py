"""Names of splits, and which splits may stand side by side."""

import os
from collections.abc import Sequence
from typing import Any

from fastphash.base.arguments import quoted
from fastphash.base.paths import is_name, lies_in
from fastphash.errors import UsageError
from fastphash.sources.protocol import Source
from fastphash.sources.remote.address import is_remote

#: What takes tables of hashes, which hold no images; the end of a sentence.
WITHOUT_IMAGES = (
    "`fastphash join` finds the leaks between two, `fastphash group` the copies in one or more"
)


def check_split(name: Any) -> str:
    """A name that can stand in SPLIT=DIR, STORE@SPLIT and SPLIT,SPLIT; UsageError for any other."""
    if not isinstance(name, str):
        raise UsageError(f"the name of a split is a str, not {quoted(name)}")
    if not name.isprintable() or name in ("", ".", "..") or any(c in name for c in "=@,/"):
        raise UsageError(
            f"{name!r} can't name a split (empty, not printable, or with one of = @ , /): "
            "give it a name, NAME=PATH"
        )
    if not is_name(name):
        raise UsageError(
            f"{name!r} can't name a split, because no file may be called so here: give it a name, "
            "NAME=PATH"
        )
    return name


def check_sources(sources: Sequence[Source]) -> None:
    """Raise UsageError if two splits share a name, a root or a container, or roots are nested.

    Roots of listed splits may be anywhere.
    """
    for i, one in enumerate(sources):
        for other in sources[:i]:
            if one.split == other.split:
                raise UsageError(
                    f"two splits are called {one.split!r}: {os.fsdecode(other.root)} and "
                    f"{os.fsdecode(one.root)}; name them with NAME=PATH"
                )
            if not (one.listed or other.listed):
                _check_roots(other, one)
            _check_containers(other, one)


def _check_containers(one: Source, other: Source) -> None:
    ours, theirs = one.containers_to_list, other.containers_to_list
    if ours is None or theirs is None:
        return
    files = {os.path.realpath(file) for file in ours.files}
    for file in theirs.files:
        if os.path.realpath(file) in files:
            raise UsageError(
                f"{os.fsdecode(file)!r} is in splits {one.split!r} and {other.split!r}: every "
                "image of it would leak"
            )


def _lies_in(inner: bytes, outer: bytes) -> bool:
    if is_remote(inner) or is_remote(outer):
        return (inner + b"/").startswith(outer + b"/")
    return lies_in(inner, outer)


def _check_roots(one: Source, other: Source) -> None:
    nested = _lies_in(one.root, other.root), _lies_in(other.root, one.root)
    if any(nested):
        relation = "are the same folder" if all(nested) else "lie in one another"
        raise UsageError(
            f"splits {one.split!r} ({os.fsdecode(one.root)}) and {other.split!r} "
            f"({os.fsdecode(other.root)}) {relation}: every image would leak"
        )
