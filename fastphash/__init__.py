"""Find every copy in an image data set: identical, rotated, mirrored, within and across splits.

Importing this package is cheap: what is heavy is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastphash.audits.api import audit, read_audit
    from fastphash.base.vocabulary import ORIENTATIONS
    from fastphash.clean.api import CleanPlan, clean_plan
    from fastphash.errors import (
        DefinitionError,
        FastphashError,
        ImageError,
        StoreError,
        TooManyPairsError,
        UsageError,
        WorkerError,
    )
    from fastphash.external.api import Groups, Pairs, group, join, self_join
    from fastphash.hashing.api import (
        ahash,
        dhash,
        dhash_vertical,
        oriented_hashes,
        phash,
        phash_orientations,
        phash_simple,
        whash,
    )
    from fastphash.hashing.definition import Definition
    from fastphash.hashing.hexadecimal import from_hex, to_hex
    from fastphash.hashing.pdq import Pdq, pdq, pdq_orientations
    from fastphash.ingest.api import Hashed, hash_images
    from fastphash.ingest.items import hash_items
    from fastphash.results.api import verify
    from fastphash.results.audit_folder import AuditFolder

__all__ = [
    "ORIENTATIONS",
    "AuditFolder",
    "CleanPlan",
    "Definition",
    "DefinitionError",
    "FastphashError",
    "Groups",
    "Hashed",
    "ImageError",
    "Pairs",
    "Pdq",
    "StoreError",
    "TooManyPairsError",
    "UsageError",
    "WorkerError",
    "ahash",
    "audit",
    "clean_plan",
    "dhash",
    "dhash_vertical",
    "from_hex",
    "group",
    "hash_images",
    "hash_items",
    "join",
    "oriented_hashes",
    "pdq",
    "pdq_orientations",
    "phash",
    "phash_orientations",
    "phash_simple",
    "read_audit",
    "self_join",
    "to_hex",
    "verify",
    "whash",
]

_HOME = {
    "ORIENTATIONS": "base.vocabulary",
    "AuditFolder": "results.audit_folder",
    "CleanPlan": "clean.api",
    "Definition": "hashing.definition",
    "Groups": "external.api",
    "Hashed": "ingest.api",
    "Pairs": "external.api",
    "Pdq": "hashing.pdq",
    "ahash": "hashing.api",
    "audit": "audits.api",
    "clean_plan": "clean.api",
    "dhash": "hashing.api",
    "dhash_vertical": "hashing.api",
    "from_hex": "hashing.hexadecimal",
    "group": "external.api",
    "hash_images": "ingest.api",
    "hash_items": "ingest.items",
    "join": "external.api",
    "oriented_hashes": "hashing.api",
    "pdq": "hashing.pdq",
    "pdq_orientations": "hashing.pdq",
    "phash": "hashing.api",
    "phash_orientations": "hashing.api",
    "phash_simple": "hashing.api",
    "read_audit": "audits.api",
    "self_join": "external.api",
    "to_hex": "hashing.hexadecimal",
    "verify": "results.api",
    "whash": "hashing.api",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from fastphash.base.versions import version_of

        return version_of("fastphash")
    if name not in __all__:
        raise AttributeError(f"module 'fastphash' has no attribute {name!r}")
    value = getattr(import_module(f"fastphash.{_HOME.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
