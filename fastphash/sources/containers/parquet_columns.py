"""Which columns of a Parquet file hold its images, and the keys of its rows."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.text import listed
from fastphash.sources.containers.format import ContainerError

_CHOOSE_IMAGES = "name the column of the images"
_CHOOSE_KEYS = "name the column of the keys"


class Column:
    """A column, or a part of a nested one.

    Parameters
    ----------
    parts : list of str
        Its name, and those of the parts that lead to it.

    Attributes
    ----------
    name : str
        Its path, as Parquet has it.
    """

    def __init__(self, parts: list[str]) -> None:
        self.parts = parts
        self.name = ".".join(parts)

    def values(self, batch: pa.RecordBatch) -> pa.Array:
        """The column in a batch."""
        values = batch.column(self.parts[0])
        for part in self.parts[1:]:
            values = pc.struct_field(values, part)
        return values


class ImageColumn(Column):
    """The column of images.

    Parameters
    ----------
    parts : list of str
        As of `Column`.
    kind : pyarrow.DataType
        Of bytes, or of structs that have them.

    Attributes
    ----------
    paths : Column or None
        What structs have beside the bytes.
    leaves : list of str
        Columns to read for the images.
    """

    def __init__(self, parts: list[str], kind: pa.DataType) -> None:
        super().__init__(parts)
        is_struct = pa.types.is_struct(kind)
        has_paths = is_struct and kind.get_field_index("path") >= 0
        self.paths = Column([*parts, "path"]) if has_paths else None
        self.leaves = [f"{self.name}.bytes" if is_struct else self.name]
        if self.paths:
            self.leaves.append(self.paths.name)


def find_images(schema: pa.Schema, wanted: str | None) -> ImageColumn:
    """The column of images.

    Raises
    ------
    ContainerError
        There is none of this name, or none or several that may hold images.
    """
    if wanted is None:
        named = [field.name for field in schema if _holds_images(field.type)]
        if not named:
            raise ContainerError(f"no column of bytes among {_names(schema)}: {_CHOOSE_IMAGES}")
        if len(named) > 1:
            columns = listed([repr(name) for name in named])
            raise ContainerError(
                f"several columns may hold the images, {columns}: {_CHOOSE_IMAGES}"
            )
        wanted = named[0]
    parts, kind = _find(schema, wanted, _CHOOSE_IMAGES)
    if not _holds_images(kind):
        raise ContainerError(f"column {wanted!r} holds {kind!s:.200}, no images: {_CHOOSE_IMAGES}")
    return ImageColumn(parts, kind)


def find_keys(schema: pa.Schema, wanted: str) -> Column:
    """The column of keys, which are text, bytes or whole numbers.

    Raises
    ------
    ContainerError
        There is none of this name, or it holds something else.
    """
    parts, kind = _find(schema, wanted, _CHOOSE_KEYS)
    if not _holds_keys(kind):
        raise ContainerError(f"column {wanted!r} holds {kind!s:.200}, no keys: {_CHOOSE_KEYS}")
    return Column(parts)


def as_key(value: str | bytes | int | None) -> bytes:
    """A value of a column as a key; empty for null.

    >>> as_key("é"), as_key(b"x"), as_key(0), as_key(None)
    (b'\\xc3\\xa9', b'x', b'0', b'')
    """
    if isinstance(value, int):
        return b"%d" % value
    # a damaged footer may say that paths are bytes
    return value.encode() if isinstance(value, str) else value or b""


def _find(schema: pa.Schema, wanted: str, choose: str) -> tuple[list[str], pa.DataType]:
    """The parts of a column's name, and its type."""
    parts = [wanted] if wanted in schema.names else wanted.split(".")
    fields: Any = schema
    for depth, part in enumerate(parts):
        times = [field.name for field in fields].count(part)
        if times != 1:
            found = f"{times} columns" if times else "no column"
            raise ContainerError(f"{found} {wanted!r}; there are {_names(schema)}: {choose}")
        kind = fields.field(part).type
        if depth < len(parts) - 1 and not pa.types.is_struct(kind):
            raise ContainerError(f"no column {wanted!r}, {part!r} has no parts: {choose}")
        fields = kind
    return parts, kind


def _holds_images(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _is_binary(kind.field(index).type)
    return _is_binary(kind)


def _holds_keys(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_text = (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
    is_bytes = _is_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return bool(is_text or is_bytes or pa.types.is_integer(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )


def _names(schema: pa.Schema) -> str:
    names = [repr(name) for name in schema.names]
    return listed(names[:12] + ["others"] * (len(names) > 12)) or "none"
