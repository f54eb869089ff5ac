"""The columns of a store, and the metadata that says what made them."""

import functools
import json
from dataclasses import dataclass
from importlib.metadata import version

import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.vocabulary import CHROMA_SIDE, THUMBNAIL_SIDE
from fastphash.files.parquet import NAME_TYPE
from fastphash.hashing.definition import Definition

SCHEMA_VERSION = 3
#: Bytes of a row's chroma, int8: 64 of Cb - 128, row by row, and then 64 of Cr - 128.
CHROMA_BYTES = 2 * CHROMA_SIDE * CHROMA_SIDE

METADATA = b"fastphash"
_HASH_TYPES = {64: pa.uint64()}
_PACKAGES = ("fastphash", "Pillow", "opencv-python", "scipy")

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
    """Which optional columns a store has; with thumbnails it has chroma."""

    orientations: bool = True
    thumbnails: bool = True

    def __str__(self) -> str:
        columns = (("orientations", self.orientations), ("thumbnails", self.thumbnails))
        return ", ".join(name if there else f"no {name}" for name, there in columns)


@functools.cache
def store_schema(definition: Definition, layout: Layout) -> pa.Schema:
    """Columns of a part, with what made them in the metadata."""
    fields = [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("digest", pa.binary(16)),
        ("format", NAME_TYPE),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("multiframe", pa.bool_()),
    ]
    columns = definition.columns if layout.orientations else definition.columns[:1]
    fields += [(name, _HASH_TYPES[definition.bits]) for name in columns]
    if layout.thumbnails:
        fields += [
            ("thumbnail", pa.binary(THUMBNAIL_SIDE * THUMBNAIL_SIDE)),
            ("chroma", pa.binary(CHROMA_BYTES)),
        ]
    made = {
        "schema": SCHEMA_VERSION,
        "definition": definition.to_json(),
        "versions": {name: version(name) for name in _PACKAGES},
    }
    return pa.schema(fields, {METADATA: json.dumps(made, sort_keys=True).encode()})


def path_columns(paths: list[bytes]) -> tuple[pa.Array, pa.Array]:
    """The columns path and path_bytes of exact file names."""
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


def exact_paths(table: pa.Table) -> pa.ChunkedArray:
    """The exact names (binary) of rows with the columns path and, maybe, path_bytes."""
    names = table["path"].cast(pa.binary())
    if "path_bytes" not in table.column_names:
        return names
    return pc.coalesce(table["path_bytes"], names)
