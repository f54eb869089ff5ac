"""Objects by an address with braces or wildcards."""

import glob
import os
import posixpath
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from fastphash.errors import UsageError
from fastphash.sources.patterns import check_found, expand_braces
from fastphash.sources.remote.address import is_web, parse_address
from fastphash.sources.remote.client import check_installed, list_objects


def checked_address(text: str) -> bytes:
    """An address as the root of a split, or of one object.

    Raises
    ------
    UsageError
        It names no bucket or host, has a folder ``.`` or ``..``, or a query; or obstore isn't
        installed.
    """
    check_installed()
    scheme, _, rest = text.partition("://")
    if not rest.strip("/") or rest.startswith("/"):
        raise UsageError(f"{text!r} names no bucket or host: write {scheme}://NAME/PATH")
    if not {".", ".."}.isdisjoint(rest.split("/")):
        raise UsageError(f"{text!r}: an address can't have . or .. as the name of a folder")
    if is_web(text) and any(sign in rest for sign in "?#"):
        raise UsageError(f"{text!r}: an address can't have a query, which begins with ?, or a #")
    return os.fsencode(f"{scheme.lower()}://{rest.rstrip('/')}")


def find_objects(word: str) -> list[str]:
    """The objects that an address with braces or wildcards stands for, as files of such a name.

    Raises
    ------
    UsageError
        As of `checked_address`; it stands for several buckets, an object of a range is missing, or
        nothing matches.
    RemoteError
        The bucket can't be listed.
    """
    names = [os.fsdecode(checked_address(name)) for name in expand_braces(word)]
    if is_web(word):
        # what is missing is told when it is read
        return names
    if len(names) == 1 and not glob.has_magic(names[0]):
        return names
    base = _common_base(word, names)
    keys = [name[len(base) + 1 :] for name in names]
    folder = _folder_of(keys)
    place = f"{base}/{folder}"
    found = sorted(os.fsdecode(path) for path, _ in list_objects(os.fsencode(place)))
    there = set(found)
    matches = []
    for key in keys:
        rest = key[len(folder) :]
        if glob.has_magic(rest):
            steps = rest.split("/")
            matches.append([path for path in found if _matches(path.split("/"), steps)])
        else:
            matches.append([rest] * (rest in there))
    return [place + path for path in check_found(word, names, matches)]


def _common_base(word: str, names: Sequence[str]) -> str:
    """Scheme and bucket of all names."""
    bases = {parse_address(os.fsencode(name)).base for name in names}
    if len(bases) > 1 or any(map(glob.has_magic, bases)):
        raise UsageError(f"{word!r} stands for several buckets: make each a split of its own")
    return bases.pop()


def _folder_of(keys: Sequence[str]) -> str:
    """What all keys begin with up to a slash, before any wildcard."""
    folders = [posixpath.dirname(re.split(r"[*?[]", key)[0]) for key in keys]
    common = posixpath.commonpath(folders)
    return common and f"{common}/"


def _matches(path: Sequence[str], steps: Sequence[str]) -> bool:
    """Whether a path matches a pattern, both cut at slashes; wildcards match nothing hidden."""
    if not steps:
        return not path
    if steps[0] == "**" and len(steps) > 1:
        return _matches(path, steps[1:]) or (
            bool(path) and not path[0].startswith(".") and _matches(path[1:], steps)
        )
    if not path or (path[0].startswith(".") and not steps[0].startswith(".")):
        return False
    return fnmatchcase(path[0], steps[0]) and _matches(path[1:], steps[1:])
