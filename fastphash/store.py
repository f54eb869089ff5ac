"""A store: Parquet parts of hashes in a folder, what made them, and a manifest that vouches."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from fastphash import tables
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.images import Decoding, Mode
from fastphash.thumbnail import SIDE, vertical_first
from fastphash.words import ORIENTATIONS, PASS_ORDERS, PassOrder

SCHEMA_VERSION = 1
MANIFEST = "_manifest.json"
REJECTED = "_rejected.parquet"
#: Rows of a part, once it is full.
PART_ROWS = 65536

_METADATA = b"fastphash"
_PACKAGES = ("fastphash", "Pillow", "opencv-python", "scipy")
HASH_COLUMNS = ("phash", *(f"phash_{name}" for name in ORIENTATIONS[1:]))

REJECTED_SCHEMA = pa.schema(
    [
        ("split", pa.dictionary(pa.int32(), pa.string())),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("stage", pa.string()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a hash means: two sets of hashes compare only if this is the same.

    Attributes
    ----------
    source : {"fastphash", "imagehash", "foreign"}
        Who made the hashes; "imagehash" was asserted by the user, "foreign" is unknown.
    decode : {"full", "reduced"}
    pass_order : {"horizontal", "pillow12.2", "pillow13"}
    exif : bool
    sixteen_bit : {"scaled", "clipped"}
    """

    source: Literal["fastphash", "imagehash", "foreign"] = "fastphash"
    decode: Mode = "full"
    pass_order: PassOrder = "pillow13"
    exif: bool = False
    sixteen_bit: Literal["scaled", "clipped"] = "scaled"

    def decoding(self) -> Decoding:
        """How to decode images for it."""
        return Decoding(self.decode, self.exif, self.sixteen_bit == "clipped")

    def __str__(self) -> str:
        if self.source == "foreign":
            return "foreign (no record of how the hashes were made)"
        exif = "EXIF applied" if self.exif else "EXIF ignored"
        text = f"{self.decode}, pass order {self.pass_order}, {exif}, 16-bit {self.sixteen_bit}"
        return text if self.source == "fastphash" else f"imagehash as asserted: {text}"

    def comparable(self) -> "Definition":
        """The definition without what doesn't touch the bits of ordinary images."""
        if self.source == "imagehash":
            # ImageHash clips; whether a 16-bit image is there can't be told from its hash
            return replace(self, source="fastphash", sixteen_bit="scaled")
        return self


FOREIGN = Definition(source="foreign")


def asserted(text: str) -> Definition:
    """The definition named by ``imagehash[:PASS_ORDER]``; UsageError for any other text."""
    name, _, order = text.partition(":")
    order = order or "pillow13"
    if name != "imagehash" or order not in PASS_ORDERS:
        raise UsageError(f"{text!r} is not imagehash[:PASS_ORDER], one of {', '.join(PASS_ORDERS)}")
    return Definition("imagehash", pass_order=order, sixteen_bit="clipped")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which optional columns a store has."""

    orientations: bool = True
    thumbnails: bool = True


def store_schema(definition: Definition, layout: Layout) -> pa.Schema:
    """Columns of a part, with what made them in the metadata."""
    fields = [
        ("split", pa.dictionary(pa.int32(), pa.string())),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("digest", pa.binary(16)),
        ("format", pa.dictionary(pa.int32(), pa.string())),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("phash", pa.uint64()),
    ]
    if layout.orientations:
        fields += [(name, pa.uint64()) for name in HASH_COLUMNS[1:]]
    if layout.thumbnails:
        fields.append(("thumbnail", pa.binary(SIDE * SIDE)))
    made = {
        "schema": SCHEMA_VERSION,
        "definition": asdict(definition),
        "versions": {name: version(name) for name in _PACKAGES},
    }
    return pa.schema(fields, {_METADATA: json.dumps(made, sort_keys=True).encode()})


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


@dataclass(slots=True)
class Part:
    """A finished part, as the manifest lists it."""

    name: str
    rows: int
    digest: str


@dataclass(slots=True)
class Store:
    """A folder of parts with a manifest.

    Attributes
    ----------
    path : Path
    definition : Definition
    layout : Layout
    roots : dict of str to str
        Absolute folder of each split, by name.
    parts : list of Part
    skipped : dict of str to int
        Files of each split that are no images by content nor by name.
    """

    path: Path
    definition: Definition
    layout: Layout
    roots: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    @property
    def schema(self) -> pa.Schema:
        """Columns and metadata of new parts."""
        return store_schema(self.definition, self.layout)

    def save(self) -> None:
        """Write the manifest."""
        manifest: dict[str, Any] = {
            "schema": SCHEMA_VERSION,
            "definition": asdict(self.definition),
            "orientations": self.layout.orientations,
            "thumbnails": self.layout.thumbnails,
            "roots": self.roots,
            "skipped": self.skipped,
            "parts": [asdict(part) for part in self.parts],
        }
        manifest["digest"] = _manifest_digest(manifest)
        tables.write_json(self.path / MANIFEST, manifest)

    def part_path(self, part: Part) -> Path:
        """Where a part lies."""
        return self.path / part.name

    def new_part_name(self) -> str:
        """The name after the last one."""
        numbers = [int(part.name.removeprefix("part-").split(".")[0]) for part in self.parts]
        return f"part-{max(numbers, default=-1) + 1:06d}.parquet"

    def read_part(self, part: Part, columns: list[str] | None = None) -> pa.Table:
        """Rows of one part."""
        return tables.read_table(self.part_path(part), columns)

    def verify(self) -> None:
        """Raise StoreError if a part is missing or is not what the manifest says."""
        for part in self.parts:
            path = self.part_path(part)
            if not path.exists():
                raise StoreError(f"{self.path}: {part.name} is missing")
            if tables.file_digest(path) != part.digest:
                raise StoreError(
                    f"{self.path}: {part.name} is damaged (its digest is not the manifest's): "
                    "delete the store and hash again"
                )

    def rejected(self) -> pa.Table:
        """Inputs without a hash: split, path, path_bytes, stage, reason."""
        path = self.path / REJECTED
        return tables.read_table(path) if path.exists() else REJECTED_SCHEMA.empty_table()


def is_store(path: Path) -> bool:
    """Whether a folder has a manifest."""
    return (path / MANIFEST).is_file()


def open_store(path: Path) -> Store:
    """Open a store and check its manifest (its parts are checked by `Store.verify`).

    Raises
    ------
    StoreError
        No store, a damaged manifest, or one of a newer schema.
    """
    if not path.exists():
        raise StoreError(f"no such store: {str(path)!r}")
    if not is_store(path):
        raise StoreError(f"not a store (no {MANIFEST} in it): {str(path)!r}")
    manifest = tables.read_json(path / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("digest") != _manifest_digest(manifest):
        raise StoreError(f"{path / MANIFEST} is damaged: delete the store and hash again")
    if manifest["schema"] != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema {manifest['schema']}, this version reads {SCHEMA_VERSION}"
        )
    return Store(
        path,
        Definition(**manifest["definition"]),
        Layout(manifest["orientations"], manifest["thumbnails"]),
        manifest["roots"],
        [Part(**part) for part in manifest["parts"]],
        manifest["skipped"],
    )


def create_store(path: Path, definition: Definition, layout: Layout) -> Store:
    """Start an empty store in a new or empty folder; StoreError if there is something else."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise StoreError(f"{str(path)!r} exists and is no store: name a new folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        store = Store(path, definition, layout)
        store.save()
    except OSError as error:
        raise StoreError(f"can't write {str(path)!r}: {error.strerror}") from error
    return store


def _manifest_digest(manifest: dict[str, Any]) -> str:
    plain = {key: value for key, value in manifest.items() if key != "digest"}
    return xxhash.xxh3_128_hexdigest(json.dumps(plain, sort_keys=True).encode())


# where a row lies in its store, counted through all parts
_ROW = "_row"


class Hashes:
    """Rows to be joined: of a store, of one split of it, or of any Parquet file of hashes.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `store_schema`, of which only split, path and phash must be there.
    definition : Definition
    store : Store, optional
        Where thumbnails come from that are not in the table.
    """

    def __init__(self, table: pa.Table, definition: Definition, store: Store | None = None) -> None:
        self.table = table
        self.definition = definition
        self.store = store

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def take(self, rows: NDArray[np.int64]) -> "Hashes":
        """These rows, in this order."""
        return Hashes(self.table.take(pa.array(rows)), self.definition, self.store)

    def with_thumbnails(self) -> "Hashes":
        """The same rows with the thumbnails in the table, and no store behind it."""
        table, pixels = self.table, self.thumbnails
        if _ROW in table.column_names:
            table = table.drop_columns([_ROW])
        if pixels is not None and "thumbnail" not in table.column_names:
            kind = pa.binary(SIDE * SIDE)
            column = pa.FixedSizeBinaryArray.from_buffers(
                kind, len(self), [None, pa.py_buffer(np.ascontiguousarray(pixels))]
            )
            table = table.append_column("thumbnail", column)
        return Hashes(table, self.definition)

    def where_split(self, split: str) -> "Hashes":
        """The rows of one split."""
        return self.take(np.flatnonzero(self.splits == split))

    @cached_property
    def splits(self) -> NDArray[Any]:
        """Name of the split of each row (object)."""
        return np.asarray(self.table["split"].to_numpy(zero_copy_only=False), object)

    @cached_property
    def known(self) -> tuple[int, ...]:
        """Orientations that have a hash in every row."""
        columns = self.table.column_names
        return tuple(
            t
            for t, name in enumerate(HASH_COLUMNS)
            if t == 0 or (name in columns and not self.table[name].null_count)
        )

    @cached_property
    def phashes(self) -> NDArray[np.uint64]:
        """uint64 (n, 8), or (n, 1) where only the identity is known."""
        if self.known == (0,):
            only: NDArray[np.uint64] = self.table["phash"].to_numpy()[:, None]
            return only
        out = np.zeros((len(self), len(ORIENTATIONS)), np.uint64)
        for t in self.known:
            out[:, t] = self.table[HASH_COLUMNS[t]].to_numpy()
        return out

    @cached_property
    def digests(self) -> NDArray[np.uint64] | None:
        """XXH3-128 of the files, uint64 (n, 2), or None."""
        words = self._fixed("digest")
        return None if words is None else words.view(np.uint64)

    @cached_property
    def thumbnails(self) -> NDArray[np.uint8] | None:
        """uint8 (n, 1024), or None; of a store they are read now, for these rows only."""
        if self.store is None or not self.store.layout.thumbnails:
            return self._fixed("thumbnail")
        wanted = self.table[_ROW].to_numpy()
        out = np.empty((len(self), SIDE * SIDE), np.uint8)
        start = 0
        for part in self.store.parts:
            of_part = np.flatnonzero((wanted >= start) & (wanted < start + part.rows))
            if of_part.size:
                pixels = _fixed_width(self.store.read_part(part, ["thumbnail"])["thumbnail"])
                out[of_part] = pixels[wanted[of_part] - start]
            start += part.rows
        return out

    @cached_property
    def paths(self) -> pa.ChunkedArray:
        """Exact names, binary."""
        return exact_paths(self.table)

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A column of integers; zeros where it is missing."""
        if name not in self.table.column_names:
            return np.zeros(len(self), np.int64)
        values: NDArray[np.int64] = self.table[name].fill_null(0).to_numpy().astype(np.int64)
        return values

    def _fixed(self, name: str) -> NDArray[np.uint8] | None:
        if name not in self.table.column_names or self.table[name].null_count:
            return None
        return _fixed_width(self.table[name])


def _fixed_width(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """A column of fixed_size_binary without nulls as uint8 (n, width)."""
    width = column.type.byte_width
    pieces = [np.empty((0, width), np.uint8)]
    for chunk in column.chunks:
        data = np.frombuffer(chunk.buffers()[1] or b"", np.uint8)
        start = chunk.offset * width
        pieces.append(data[start : start + len(chunk) * width].reshape(-1, width))
    return pieces[1] if len(pieces) == 2 else np.concatenate(pieces)


def read_hashes(target: str) -> Hashes:
    """Rows of ``STORE[@SPLIT]`` or of a Parquet file with the columns path and phash.

    Raises
    ------
    StoreError
        Nothing there that holds hashes, a split that isn't, or damage.
    """
    path, split = _split_target(target)
    if path.is_file():
        return _read_file(path, split)
    store = open_store(path)
    store.verify()
    if split is not None and split not in store.roots:
        raise StoreError(f"{path} has no split {split!r}: it has {', '.join(store.roots)}")
    schema = pa.schema([column for column in store.schema if column.name != "thumbnail"])
    parts = [store.read_part(part, schema.names) for part in store.parts]
    table = pa.concat_tables([schema.empty_table(), *(part.cast(schema) for part in parts)])
    table = table.unify_dictionaries()
    table = table.append_column(_ROW, pa.array(np.arange(table.num_rows)))
    return Hashes(_one_split(table, split), store.definition, store)


def read_together(targets: list[str]) -> Hashes:
    """Rows of several stores or files, in the order given, to be grouped as one.

    Raises
    ------
    DefinitionError
        Their hashes were made in different ways.
    UsageError
        Two of them have a split of the same name.
    """
    several = [read_hashes(target) for target in targets]
    if len(several) == 1:
        return several[0]
    owner: dict[str, str] = {}
    for target, hashes in zip(targets, several, strict=True):
        check_joinable(several[0], hashes)
        for split in np.unique(hashes.splits.astype(str)):
            if split in owner:
                raise UsageError(f"both {owner[split]} and {target} have a split {split!r}")
            owner[split] = target
    # thumbnails are read row by row from one store only
    tables_ = [hashes.with_thumbnails().table for hashes in several]
    table = pa.concat_tables(tables_, promote_options="permissive").unify_dictionaries()
    return Hashes(table, several[0].definition)


def describe(hashes: Hashes) -> dict[str, Any]:
    """What rows of hashes are: splits, definition, columns, and how many hashes are unusual."""
    store = hashes.store
    rejected = store.rejected()["split"].to_pylist() if store else []
    roots = store.roots if store else {}
    names, counts = np.unique(hashes.splits.astype(str), return_counts=True)
    return {
        "splits": {
            name: {"images": count, "rejected": rejected.count(name), "root": roots.get(name, "")}
            for name, count in zip(names.tolist(), counts.tolist(), strict=True)
        },
        "definition": str(hashes.definition),
        "orientations": [ORIENTATIONS[t] for t in hashes.known],
        "thumbnails": bool(store and store.layout.thumbnails),
        "unusual_hashes": int((np.bitwise_count(hashes.phashes[:, 0]) != 32).sum()),
    }


def check_joinable(one: Hashes, other: Hashes) -> None:
    """Raise DefinitionError unless the hashes of both mean the same."""
    a, b = one.definition.comparable(), other.definition.comparable()
    if a == b:
        return
    only_order = replace(a, pass_order=b.pass_order) == b and a.decode == "full"
    if only_order and all(
        _same_order(hashes, a.pass_order, b.pass_order) for hashes in (one, other)
    ):
        return
    raise DefinitionError(
        f"these hashes were made in different ways: needles {one.definition}; "
        f"haystack {other.definition}. Hash both the same way, or vouch for hashes from "
        "elsewhere with `fastphash convert --as`"
    )


def _same_order(hashes: Hashes, one: PassOrder, other: PassOrder) -> bool:
    """Whether no image, nor its transpose, would be resized differently under two pass orders."""
    if "width" not in hashes.table.column_names or hashes.table["width"].null_count:
        return False
    sizes = set(zip(hashes.numbers("width"), hashes.numbers("height"), strict=True))
    return all(
        vertical_first(w, h, one) == vertical_first(w, h, other)
        for width, height in sizes
        for w, h in ((width, height), (height, width))
    )


def _split_target(target: str) -> tuple[Path, str | None]:
    if os.path.exists(target):
        return Path(target), None
    path, separator, split = target.rpartition("@")
    return (Path(path), split) if separator else (Path(target), None)


def _one_split(table: pa.Table, split: str | None) -> pa.Table:
    return table if split is None else table.filter(pc.equal(table["split"].cast("string"), split))


def _read_file(path: Path, split: str | None) -> Hashes:
    table = tables.read_table(path)
    for name, kind in (("path", pa.string()), ("phash", pa.uint64())):
        if name not in table.column_names:
            raise StoreError(f"{path} has no column {name!r}: a file of hashes has path and phash")
        try:
            table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
        except pa.ArrowException as error:
            raise StoreError(f"{path}: column {name!r} can't be read as {kind}: {error}") from error
        if table[name].null_count:
            raise StoreError(f"{path}: column {name!r} has rows without a value")
    if "split" not in table.column_names:
        names = pa.array([path.stem] * table.num_rows, pa.string()).dictionary_encode()
        table = table.append_column("split", names)
    made = json.loads((table.schema.metadata or {}).get(_METADATA, b"{}"))
    definition = Definition(**made["definition"]) if made else FOREIGN
    return Hashes(_one_split(table, split), definition)
