"""The columns of a store, and the metadata that says how they were made."""

import contextlib
import functools
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.text import listed, visible
from fastphash.base.versions import version_of
from fastphash.base.vocabulary import CHROMA_SIDE, THUMBNAIL_SIDE
from fastphash.errors import StoreError, UsageError
from fastphash.files.parquet import NAME_TYPE
from fastphash.hashing.algorithms import ALGORITHMS, PHASH, Algorithm
from fastphash.hashing.definition import FOREIGN, Definition

SCHEMA_VERSION = 6
#: That of stores with other hashes than phash: programs that know but version 6 would drop them.
HASHES_VERSION = 7
#: Versions that can be read: what an earlier one doesn't have is null.
READABLE_VERSIONS = (3, 4, 5, SCHEMA_VERSION, HASHES_VERSION)
#: Bytes of a row's chroma, int8: 64 of Cb - 128, row by row, then 64 of Cr - 128.
CHROMA_BYTES = 2 * CHROMA_SIDE * CHROMA_SIDE

#: What must agree besides the thumbnail, each as large as one; null in most rows.
LAYERS = ("alpha", "further_frames", "equalised")
#: Columns that version 3 doesn't have.
EVIDENCE_COLUMNS = ("frames", "pixel_digest", *LAYERS)
#: Columns that versions 3 and 4 don't have.
STAMP_COLUMNS = ("inode", "ctime_ns")
#: Columns that versions 3 to 5 don't have.
SOURCE_COLUMNS = ("container", "key", "etag")
#: All columns that an earlier version doesn't have.
ADDED_COLUMNS = (*EVIDENCE_COLUMNS, *STAMP_COLUMNS, *SOURCE_COLUMNS)

METADATA = b"fastphash"
_PACKAGES = ("fastphash", "Pillow", "simplejpeg", "scipy")

REJECTED_SCHEMA = pa.schema(
    [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("stage", pa.string()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which optional columns a store has.

    Attributes
    ----------
    orientations : bool
        Hashes of all eight orientations.
    thumbnails : bool
        Thumbnails, and with them chroma and layers.
    further : tuple of str
        Algorithms whose hashes it has besides those of its definition's algorithm.
    """

    orientations: bool = True
    thumbnails: bool = True
    further: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The layout as a manifest holds it; older ones have no further algorithms."""
        fields = asdict(self)
        if not self.further:
            del fields["further"]
        return fields

    def __str__(self) -> str:
        columns = (("orientations", self.orientations), ("thumbnails", self.thumbnails))
        texts = [name if there else f"no {name}" for name, there in columns]
        return ", ".join([*texts, *(f"{name} too" for name in self.further)])


def hash_type(algorithm: Algorithm) -> pa.DataType:
    """Arrow type of a column of hashes; those of several words are stored first bits first."""
    return pa.uint64() if algorithm.words == 1 else pa.binary(algorithm.bits // 8)


def stored_algorithms(definition: Definition, layout: Layout) -> list[Algorithm]:
    """The algorithms whose hashes a store has, that of its definition first."""
    return [ALGORITHMS[name] for name in (definition.algorithm, *layout.further)]


def schema_version(definition: Definition, layout: Layout) -> int:
    """The version that a store is written in."""
    only_phash = stored_algorithms(definition, layout) == [PHASH]
    return SCHEMA_VERSION if only_phash else HASHES_VERSION


def algorithms_in(columns: Collection[str], first: str = PHASH.name) -> list[str]:
    """The algorithms of which there are columns of upright hashes, `first` before others."""
    there = [name for name in columns if name in ALGORITHMS]
    return sorted(there, key=lambda name: name != first)


def check_algorithm(name: str, there: Collection[str], what: str) -> None:
    """Raise UsageError unless a store or table, which is called `what`, has hashes of this name."""
    if name not in there:
        raise UsageError(f"{what} has no hash {name!r}: it has {listed([*there])}")


@functools.cache
def store_schema(definition: Definition, layout: Layout) -> pa.Schema:
    """Columns of a part, with the definition and the versions in the metadata."""
    fields = [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("container", NAME_TYPE),
        ("key", pa.string()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("inode", pa.uint64()),
        ("ctime_ns", pa.int64()),
        ("etag", pa.string()),
        ("digest", pa.binary(16)),
        ("format", NAME_TYPE),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("multiframe", pa.bool_()),
        ("frames", pa.int32()),
        ("pixel_digest", pa.binary(16)),
    ]
    for algorithm in stored_algorithms(definition, layout):
        columns = algorithm.columns if layout.orientations else algorithm.columns[:1]
        fields += [(name, hash_type(algorithm)) for name in columns]
        if algorithm.quality_column:
            fields.append((algorithm.quality_column, pa.uint8()))
    if layout.thumbnails:
        fields += [
            ("thumbnail", pa.binary(THUMBNAIL_SIDE * THUMBNAIL_SIDE)),
            ("chroma", pa.binary(CHROMA_BYTES)),
            # variable, because a null of fixed size takes as much memory as a value
            *((name, pa.binary()) for name in LAYERS),
        ]
    metadata = {
        "schema": schema_version(definition, layout),
        "definition": definition.to_json(),
        "versions": {name: version_of(name) for name in _PACKAGES},
    }
    return pa.schema(fields, {METADATA: json.dumps(metadata, sort_keys=True).encode()})


def definition_of(metadata: Mapping[bytes, bytes] | None, name: str) -> Definition:
    """How the hashes of a table were made, as its metadata says; `FOREIGN` if that doesn't.

    StoreError, with the name of the table, if it says what can't be understood.
    """
    text = (metadata or {}).get(METADATA)
    if text is None:
        return FOREIGN
    with _understanding(name):
        return Definition(**json.loads(text)["definition"])


def versions_of(metadata: Mapping[bytes, bytes] | None, name: str) -> dict[str, str]:
    """Versions of the packages that made the hashes of a table; errors as of `definition_of`."""
    with _understanding(name):
        versions = json.loads((metadata or {})[METADATA])["versions"]
        return {str(package): str(number) for package, number in versions.items()}


@contextlib.contextmanager
def _understanding(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{name}: its metadata {METADATA.decode()!r} doesn't say how its hashes were made: "
            "make the file again, or leave that metadata out"
        ) from error


def path_columns(paths: list[bytes]) -> tuple[pa.Array, pa.Array]:
    """The columns path and path_bytes for exact names; path_bytes has those that aren't UTF-8."""
    texts: list[str] = []
    exact: list[bytes | None] = []
    for path in paths:
        try:
            texts.append(path.decode())
            exact.append(None)
        except UnicodeDecodeError:
            texts.append(path.decode(errors="replace"))
            exact.append(path)
    return pa.array(texts, pa.string()), pa.array(exact, pa.binary())


def with_visible_names(table: pa.Table) -> pa.Table:
    """The rows for people to read: what could move a cursor or turn writing round is escaped.

    The columns path, path_bytes and reason. A path that was escaped stands in path_bytes as it is.
    """
    paths = exact_paths(table).to_pylist()
    shown = [visible(os.fsdecode(path)) for path in paths]
    exact = [
        None if text.encode() == path else path for text, path in zip(shown, paths, strict=True)
    ]
    new = {
        "path": pa.array(shown, pa.string()),
        "path_bytes": pa.array(exact, pa.binary()),
        "reason": pa.array(map(visible, table["reason"].to_pylist()), pa.string()),
    }
    columns = [new.get(name, table[name]) for name in table.column_names]
    return pa.table(columns, table.schema)


def exact_paths(table: pa.Table) -> pa.ChunkedArray:
    """The exact names, binary, of rows with the column path, and path_bytes if there is one."""
    names = table["path"].cast(pa.binary())
    if "path_bytes" not in table.column_names:
        return names
    return pc.coalesce(table["path_bytes"], names)


def image_keys(splits: pa.ChunkedArray, paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Split and exact path of each image as one value, binary."""
    names = splits.cast(pa.string()).cast(pa.binary())
    return pc.binary_join_element_wise(names, paths.cast(pa.binary()), b"\0")
