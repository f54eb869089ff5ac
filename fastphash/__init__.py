"""Find every copy in an image data set: identical, rotated, mirrored, within and across splits.

Importing this package is cheap: what is heavy is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastphash.errors import (
        DefinitionError,
        FastphashError,
        ImageError,
        StoreError,
        TooManyPairsError,
        UsageError,
        WorkerError,
    )
    from fastphash.groups import Groups, group
    from fastphash.hashing import from_hex, phash, phash_orientations, to_hex
    from fastphash.ingest import Hashed, hash_images
    from fastphash.joins import Pairs, join, self_join
    from fastphash.store import Definition
    from fastphash.words import ORIENTATIONS

__all__ = [
    "ORIENTATIONS",
    "Definition",
    "DefinitionError",
    "FastphashError",
    "Groups",
    "Hashed",
    "ImageError",
    "Pairs",
    "StoreError",
    "TooManyPairsError",
    "UsageError",
    "WorkerError",
    "from_hex",
    "group",
    "hash_images",
    "join",
    "phash",
    "phash_orientations",
    "self_join",
    "to_hex",
]

_HOME = {
    "ORIENTATIONS": "words",
    "Definition": "store",
    "Groups": "groups",
    "Hashed": "ingest",
    "Pairs": "joins",
    "from_hex": "hashing",
    "group": "groups",
    "hash_images": "ingest",
    "join": "joins",
    "phash": "hashing",
    "phash_orientations": "hashing",
    "self_join": "joins",
    "to_hex": "hashing",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("fastphash")
    if name not in __all__:
        raise AttributeError(f"module 'fastphash' has no attribute {name!r}")
    value = getattr(import_module(f"fastphash.{_HOME.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
