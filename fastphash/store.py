"""A store: Parquet parts of hashes in a folder, what made them, and a manifest that vouches."""

import contextlib
import errno
import functools
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from filelock import FileLock, Timeout

from fastphash import tables
from fastphash.errors import StoreError, UsageError
from fastphash.images import Decoding, Mode
from fastphash.words import CHROMA_SIDE, ORIENTATIONS, PASS_ORDERS, SIDE, PassOrder

SCHEMA_VERSION = 3
MANIFEST = "_manifest.json"
REJECTED = "_rejected.parquet"
_LOCK = "_lock"
#: Bytes of a row's chroma, int8: 64 of Cb - 128, row by row, and then 64 of Cr - 128.
CHROMA_BYTES = 2 * CHROMA_SIDE * CHROMA_SIDE
#: Rows of a part, once it is full.
PART_ROWS = 8192

METADATA = b"fastphash"
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

    def like(self, other: "Definition") -> "Definition":
        """The definition as far as it differs from `other`: 16-bit rules don't where users vouch.

        ImageHash clips; whether there is a 16-bit image can't be told from a hash.
        """
        if {self.source, other.source} == {"fastphash", "imagehash"}:
            return replace(self, source=other.source, sixteen_bit=other.sixteen_bit)
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
        ("split", pa.dictionary(pa.int32(), pa.string())),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("digest", pa.binary(16)),
        ("format", pa.dictionary(pa.int32(), pa.string())),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("multiframe", pa.bool_()),
        ("phash", pa.uint64()),
    ]
    if layout.orientations:
        fields += [(name, pa.uint64()) for name in HASH_COLUMNS[1:]]
    if layout.thumbnails:
        fields += [("thumbnail", pa.binary(SIDE * SIDE)), ("chroma", pa.binary(CHROMA_BYTES))]
    made = {
        "schema": SCHEMA_VERSION,
        "definition": asdict(definition),
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


@dataclass(slots=True)
class Part:
    """A finished part, as the manifest lists it.

    Attributes
    ----------
    name : str
    rows : int
    digest : str
        XXH3-128 of the file, in hex.
    splits : list of str
        That have rows in it.
    moved : list of str
        Splits whose rows in it are of another folder than the manifest's, and hold no longer.
    """

    name: str
    rows: int
    digest: str
    splits: list[str]
    moved: list[str] = field(default_factory=list)


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
    rejected_digest : str
        XXH3-128 of the table of rejected inputs, in hex; empty before there is one.
    unfinished : list of str
        Splits whose last run has not come to its end.
    """

    path: Path
    definition: Definition
    layout: Layout
    roots: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    rejected_digest: str = ""
    unfinished: list[str] = field(default_factory=list)

    @property
    def schema(self) -> pa.Schema:
        """Columns and metadata of new parts."""
        return store_schema(self.definition, self.layout)

    @property
    def digest(self) -> str:
        """XXH3-128 of everything that the manifest says, in hex: of what the store holds."""
        return _manifest_digest(self._manifest())

    def save(self) -> None:
        """Write the manifest."""
        manifest = self._manifest()
        manifest["digest"] = _manifest_digest(manifest)
        tables.write_json(self.path / MANIFEST, manifest)

    def _manifest(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA_VERSION,
            "definition": asdict(self.definition),
            "orientations": self.layout.orientations,
            "thumbnails": self.layout.thumbnails,
            "roots": self.roots,
            "skipped": self.skipped,
            "rejected": self.rejected_digest,
            "unfinished": self.unfinished,
            "parts": [asdict(part) for part in self.parts],
        }

    def part_path(self, part: Part) -> Path:
        """Where a part lies."""
        return self.path / part.name

    def new_part_name(self) -> str:
        """The name after the last one."""
        numbers = [int(part.name.removeprefix("part-").split(".")[0]) for part in self.parts]
        return f"part-{max(numbers, default=-1) + 1:06d}.parquet"

    def write_part(self, table: pa.Table, name: str) -> Part:
        """Write rows as a part; the manifest doesn't list it yet."""
        path = self.path / name
        tables.write_table(path, table)
        splits = sorted(tables.count_values(table["split"]))
        return Part(name, table.num_rows, tables.file_digest(path), splits)

    def read_part(self, part: Part, columns: list[str] | None = None) -> pa.Table:
        """Rows of one part."""
        return tables.read_table(self.part_path(part), columns)

    def damage(self) -> dict[str, str]:
        """Files that are not what the manifest says, by name: "missing" or "damaged"."""
        files = [(part.name, part.digest) for part in self.parts]
        if self.rejected_digest:
            files.append((REJECTED, self.rejected_digest))
        return {name: how for name, digest in files if (how := self._what_ails(name, digest))}

    def verify(self) -> None:
        """Raise StoreError if the store is not finished, or not what the manifest says."""
        if self.unfinished:
            splits = ", ".join(map(repr, self.unfinished))
            raise StoreError(
                f"{self.path} is not finished (split {splits}): let the run that writes it end, or "
                "run it again"
            )
        if damage := self.damage():
            files = ", ".join(f"{name} is {how}" for name, how in damage.items())
            raise StoreError(
                f"{self.path}: {files} (not what the manifest says): hash again, into the same "
                "folder, and just this is made anew"
            )

    def _what_ails(self, name: str, digest: str) -> str:
        try:
            return "" if tables.file_digest(self.path / name) == digest else "damaged"
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "damaged"

    def remove_orphans(self) -> None:
        """Delete what a run that was killed has left: temporary files, parts that aren't listed."""
        tables.remove_leftovers(self.path)
        listed = {part.name for part in self.parts}
        for path in self.path.glob("part-*.parquet"):
            if path.name not in listed:
                path.unlink()

    def rejected(self) -> pa.Table:
        """Inputs without a hash: split, path, path_bytes, stage, reason."""
        if not self.rejected_digest:
            return REJECTED_SCHEMA.empty_table()
        return tables.read_table(self.path / REJECTED)

    def write_rejected(self, table: pa.Table) -> None:
        """Replace the inputs without a hash."""
        tables.write_table(self.path / REJECTED, table)
        self.rejected_digest = tables.file_digest(self.path / REJECTED)


def is_store(path: Path) -> bool:
    """Whether a folder has a manifest."""
    return (path / MANIFEST).is_file()


def open_store(path: Path) -> Store:
    """Open a store and check its manifest (its parts are checked by `Store.verify`).

    Raises
    ------
    UsageError
        Nothing there.
    StoreError
        No store, a damaged manifest, or one of another schema.
    """
    if not path.exists():
        raise UsageError(f"no such store: {str(path)!r}")
    if not is_store(path):
        inside = min(path.glob(f"*/{MANIFEST}"), default=None)
        hint = f"; there is one in it: {str(inside.parent)!r}" if inside else ""
        raise StoreError(f"not a store (no {MANIFEST} in it): {str(path)!r}{hint}")
    manifest = tables.read_json(path / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("digest") != _manifest_digest(manifest):
        raise StoreError(f"{path / MANIFEST} is damaged: delete the store and hash again")
    if manifest["schema"] != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema {manifest['schema']}, this version reads {SCHEMA_VERSION}: "
            "hash again, into a new folder"
        )
    return Store(
        path,
        Definition(**manifest["definition"]),
        Layout(manifest["orientations"], manifest["thumbnails"]),
        manifest["roots"],
        [Part(**part) for part in manifest["parts"]],
        manifest["skipped"],
        manifest["rejected"],
        manifest["unfinished"],
    )


def check_new(path: Path) -> None:
    """Raise UsageError if there is something where a new store is to be.

    What a run left that was killed before its first part was finished is nothing.
    """
    if is_store(path):
        begun = open_store(path)
        if begun.unfinished and not begun.parts:
            return
        raise UsageError(f"{str(path)!r} is a store already: name a new folder")
    if path.exists() and (not path.is_dir() or any(map(_is_foreign, path.iterdir()))):
        raise UsageError(f"{str(path)!r} exists and is no store: name a new folder")


def _is_foreign(path: Path) -> bool:
    """Whether a file is none that a store has before its manifest."""
    return path.name != _LOCK and not tables.is_leftover(path)


def create_store(
    path: Path, definition: Definition, layout: Layout, splits: Iterable[str] = ()
) -> Store:
    """Start an empty store in a new or empty folder; UsageError if there is something else.

    Its splits are unfinished.
    """
    check_new(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        store = Store(path, definition, layout, unfinished=sorted(splits))
        store.save()
        store.remove_orphans()
    except OSError as error:
        raise StoreError(f"can't write {str(path)!r}: {error.strerror}") from error
    return store


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only process that writes a store; its folder is made if it isn't there.

    Raises
    ------
    StoreError
        Another process writes it, or the folder can't be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        # the system lets go of it when the process ends, however it ends
        lock = FileLock(path / _LOCK, timeout=0, is_singleton=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        lock.acquire()
    except Timeout as error:
        raise StoreError(
            f"another process is writing {str(path)!r}: wait for it, or name another folder"
        ) from error
    except OSError as error:
        raise StoreError(f"can't write {str(path)!r}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _manifest_digest(manifest: dict[str, Any]) -> str:
    plain = {key: value for key, value in manifest.items() if key != "digest"}
    return xxhash.xxh3_128_hexdigest(json.dumps(plain, sort_keys=True).encode())
