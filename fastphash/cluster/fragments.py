"""Fragments: what a task has hashed, in a file that appears whole or not at all.

They lie in the store that is being written, until it is finished. A run that goes on after another
one was killed reads its fragments instead of hashing again.
"""

import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from fastphash.errors import StoreError
from fastphash.files.atomic import replacing
from fastphash.ingest.batch import Batch
from fastphash.sources.protocol import Listing

#: What a task gives: images that were hashed, or containers that were listed.
Result = Batch | Listing

_DIGEST_BYTES = 16
# a store may come from anybody, and pickles may name any function: no others are called
_ALLOWED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
}
_OWN_MODULES = (
    "fastphash.ingest.batch",
    "fastphash.images.evidence",
    "fastphash.sources.protocol",
    "fastphash.sources.containers.format",
)


class Fragment(NamedTuple):
    """What the task of a fragment says of it.

    Attributes
    ----------
    rows, rejected : int
        Images that have a hash, and that have none.
    digest : bytes
        XXH3-128 of the file's content.
    """

    rows: int
    rejected: int
    digest: bytes


class _Unpickler(pickle.Unpickler):
    """Makes nothing but results, and the arrays in them."""

    def find_class(self, module: str, name: str) -> Any:
        """The class that a pickle names."""
        if (module, name) in _ALLOWED or (module in _OWN_MODULES and name[:1].isupper()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is none of a fragment's")


def write_fragment(path: Path, results: Sequence[Result]) -> None:
    """Write results to a file, and its digest before them."""
    content = pickle.dumps([*results], protocol=5)
    with replacing(path) as draft:
        draft.write_bytes(xxhash.xxh3_128_digest(content) + content)


def read_fragment(path: Path) -> tuple[Fragment, list[Result]]:
    """The results in a file; StoreError if it is damaged, OSError if it isn't there."""
    data = path.read_bytes()
    digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if xxhash.xxh3_128_digest(content) != digest:
        raise StoreError(f"{path} is damaged: delete it, and run again")
    try:
        results: list[Result] = _Unpickler(io.BytesIO(content)).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError) as error:
        raise StoreError(f"{path} is no fragment ({error}): delete it, and run again") from error
    batches = [result for result in results if isinstance(result, Batch)]
    rows = sum(len(batch.paths) for batch in batches)
    return Fragment(rows, sum(len(batch.rejected) for batch in batches), digest), results
