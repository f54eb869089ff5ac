"""The manifest of a store, read and checked."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastphash.base.paths import is_name
from fastphash.errors import StoreError
from fastphash.files import empty_parquet
from fastphash.files.digest import content_digest
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.hashing.definition import Definition
from fastphash.sources.origins import is_origin

# a Parquet file without rows, so that readers that know nothing of stores read the parts
MANIFEST = "_manifest.parquet"
#: The manifest of stores that hold it as a file that such readers trip over.
OLD_MANIFEST = "_manifest.json"

_PART_NAME = re.compile(r"part-[0-9]{1,18}\.parquet", re.ASCII)
_MOST_ROWS = 1 << 48


def manifest_digest(manifest: dict[str, Any]) -> str:
    """XXH3-128 of all that a manifest says besides its digest, in hex."""
    return content_digest(manifest)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of the store in a folder, as its digest says it was written.

    Raises
    ------
    StoreError
        It is damaged, or says what no version of fastphash writes.
    """
    file = manifest_file(path)
    try:
        read = file.read_bytes() if file.name == OLD_MANIFEST else empty_parquet.read_data(file)
        manifest: dict[str, Any] = json.loads(read)
        sound = isinstance(manifest, dict) and manifest.get("digest") == manifest_digest(manifest)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    except (StoreError, ValueError, RecursionError):
        sound = False
    if not sound:
        raise StoreError(f"{file} is damaged: delete the store and hash again")
    return manifest


def manifest_file(path: Path) -> Path:
    """The file of the manifest of the store in a folder."""
    return path / (MANIFEST if (path / MANIFEST).is_file() else OLD_MANIFEST)


def check_manifest(manifest: dict[str, Any], file: Path) -> None:
    """Raise StoreError unless all values of a manifest are such as stores write."""
    for key, is_valid in _CHECKS.items():
        if key not in manifest or not is_valid(manifest[key]):
            said = f"{manifest[key]!r:.80}" if key in manifest else "missing"
            raise StoreError(
                f"{file}: {key!r} is {said}, which no store says: delete the store and hash again"
            )
    names = [part["name"] for part in manifest["parts"]]
    splits = {split for part in manifest["parts"] for split in part["splits"]}
    if len(set(names)) < len(names) or not splits <= manifest["roots"].keys():
        raise StoreError(
            f"{file}: it lists a part twice, or splits without a root: delete the store and hash "
            "again"
        )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST_ROWS


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _is_split(value: Any) -> bool:
    return _is_text(value) and is_name(value)


def _are_splits(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_split, value))


def _is_definition(value: Any) -> bool:
    try:
        Definition(**value)
    except (TypeError, ValueError):
        return False
    return True


def _are_algorithms(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(name, str) and name in ALGORITHMS for name in value
    )


def _by_split(is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and _are_splits([*value]) and all(map(is_valid, value.values()))
    )


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_part, value))


def _is_part_name(value: Any) -> bool:
    return isinstance(value, str) and bool(_PART_NAME.fullmatch(value))


def _is_part(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"name", "rows", "digest", "splits"} <= value.keys() <= {*_PART_CHECKS}
        and all(_PART_CHECKS[key](item) for key, item in value.items())
    )


def _are_former(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_part_name(name) and _is_text(digest) for name, digest in value.items()
    )


_PART_CHECKS: dict[str, Callable[[Any], bool]] = {
    "name": _is_part_name,
    "rows": _is_count,
    "digest": _is_text,
    "splits": _are_splits,
    "moved": _are_splits,
}
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "definition": _is_definition,
    "orientations": lambda value: isinstance(value, bool),
    "thumbnails": lambda value: isinstance(value, bool),
    "further": _are_algorithms,
    "roots": _by_split(_is_text),
    "origins": _by_split(is_origin),
    "skipped": _by_split(_is_count),
    "rejected": _is_text,
    "unfinished": _are_splits,
    "left_out": _are_splits,
    "parts": _are_parts,
    "former": _are_former,
}
