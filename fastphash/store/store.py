"""A store: Parquet parts of hashes in a folder, and a manifest with their digests."""

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from fastphash.base.text import listed
from fastphash.errors import StoreError, UsageError
from fastphash.files import empty_parquet, parquet
from fastphash.files.digest import content_digest, hex_digest_of
from fastphash.hashing.definition import Definition
from fastphash.sources.remote.paths import RemotePath
from fastphash.store.manifest import (
    MANIFEST,
    OLD_MANIFEST,
    check_manifest,
    manifest_digest,
    manifest_file,
    read_manifest,
)
from fastphash.store.schema import (
    ADDED_COLUMNS,
    READABLE_VERSIONS,
    REJECTED_SCHEMA,
    SCHEMA_VERSION,
    Layout,
    schema_version,
    store_schema,
)

# as the manifest a Parquet file without rows
REJECTED = "_rejected.parquet"
#: Name of the store in the folder of an audit.
AUDIT_STORE = "hashes"
_MAKE_ANEW = "delete it, and hash again into the same folder"
# what a manifest says of rows and their hashes
_OF_HASHES = ("definition", "orientations", "thumbnails", "roots", "parts")
#: Names of all parts, as a pattern.
PART_FILES = "part-*.parquet"
#: Rows of a full part.
PART_ROWS = 8192
# the first version whose manifest says what kind of source a split has
_ORIGINS_SINCE = 6


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
        Splits with rows in the part.
    moved : list of str
        Splits whose rows in the part were hashed below another root than the manifest's; they are
        no longer valid.
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
        Root of each split: an absolute folder.
    parts : list of Part
    skipped : dict of str to int
        Number of files in each split that aren't images.
    rejected_digest : str
        XXH3-128 of the table of rejected inputs, in hex; empty before there is one.
    unfinished : list of str
        Splits whose last run didn't finish.
    left_out : list of str
        Splits that the last audit didn't name: they are read only if they are asked for.
    former : dict of str to str
        Digests of former parts whose files may still be there, by name; empty once a run has ended.
    version : int
        Schema version of the manifest as it is on disk.
    origins : dict of str to dict
        For each split of containers `fastphash.sources.origins.Origin` as values for JSON.
    """

    path: Path
    definition: Definition
    layout: Layout
    roots: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    rejected_digest: str = ""
    unfinished: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    former: dict[str, str] = field(default_factory=dict)
    version: int = SCHEMA_VERSION
    origins: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def schema(self) -> pa.Schema:
        """Columns and metadata of new parts."""
        return store_schema(self.definition, self.layout)

    @property
    def digest(self) -> str:
        """XXH3-128 of the manifest, in hex: equal for stores with equal contents."""
        return manifest_digest(self._manifest())

    @property
    def hashes_digest(self) -> str:
        """XXH3-128 of what the manifest says of rows, in hex: not of inputs without a hash."""
        whole = self._manifest()
        return content_digest({key: whole[key] for key in _OF_HASHES})

    def save(self) -> None:
        """Write the manifest, in the version for what the store has."""
        self.version = schema_version(self.definition, self.layout)
        manifest = self._manifest()
        manifest["digest"] = manifest_digest(manifest)
        text = json.dumps(manifest, indent=2).encode()
        empty_parquet.write_data(self.path / MANIFEST, self.schema, text)
        (self.path / OLD_MANIFEST).unlink(missing_ok=True)

    @property
    def is_old(self) -> bool:
        """Whether its manifest lies there as a file that readers of the folder trip over."""
        return (self.path / OLD_MANIFEST).exists()

    def _manifest(self) -> dict[str, Any]:
        # manifests of earlier versions have none, and keep their digests
        origins = {"origins": self.origins} if self.version >= _ORIGINS_SINCE else {}
        return {
            "schema": self.version,
            "definition": self.definition.to_json(),
            **self.layout.to_json(),
            "roots": self.roots,
            **origins,
            "skipped": self.skipped,
            "rejected": self.rejected_digest,
            "unfinished": self.unfinished,
            "left_out": self.left_out,
            "parts": [asdict(part) for part in self.parts],
            # audits hold digests of manifests without this key
            **({"former": self.former} if self.former else {}),
        }

    def part_path(self, part: Part) -> Path:
        """The file of a part."""
        return self.path / part.name

    def new_part_names(self) -> Iterator[str]:
        """Names after the last one that no file has, without an end."""
        numbers = [int(part.name.removeprefix("part-").split(".")[0]) for part in self.parts]
        for number in itertools.count(max(numbers, default=-1) + 1):
            name = f"part-{number:06d}.parquet"
            if not os.path.lexists(self.path / name):
                yield name

    def new_part_name(self) -> str:
        """The first name after the last one that no file has."""
        return next(self.new_part_names())

    def read_part(self, part: Part, columns: list[str] | None = None) -> pa.Table:
        """Rows of one part; columns that its version doesn't have are null."""
        wanted = columns or self.schema.names
        table = parquet.read_fitting(
            self.part_path(part),
            self.schema,
            wanted,
            advice=_MAKE_ANEW,
            needed=("split", "path", *self.definition.columns[:1]),
            optional=ADDED_COLUMNS,
        )
        if table.num_rows != part.rows:
            found = f"{table.num_rows:,} rows, not {part.rows:,}"
            raise StoreError(f"{self.part_path(part)} has {found}: {_MAKE_ANEW}")
        lacking = [name for name in wanted if name not in table.column_names]
        if not lacking:
            return table
        for name in lacking:
            nulls = pa.nulls(table.num_rows, self.schema.field(name).type)
            table = table.append_column(name, nulls)
        return table.select(wanted).replace_schema_metadata(self.schema.metadata)

    def lacks(self, part: Part) -> set[str]:
        """Columns that the version that wrote a part didn't have."""
        there = {*parquet.read_schema(self.part_path(part)).names}
        return {*ADDED_COLUMNS} & {*self.schema.names} - there

    def damage(self) -> dict[str, str]:
        """Files that differ from the manifest, by name: "missing" or "damaged".

        Those of a bucket, which would all have to be fetched, are missing at most: pages that are
        read have checksums.
        """
        files = [(part.name, part.digest) for part in self.parts]
        if self.rejected_digest:
            files.append((REJECTED, self.rejected_digest))
        if isinstance(self.path, RemotePath):
            there = {*self.path.names()}
            return {name: "missing" for name, _ in files if name not in there}
        return {name: how for name, digest in files if (how := self._file_damage(name, digest))}

    def verify(self) -> None:
        """Raise StoreError if the store is not finished, or differs from its manifest."""
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

    def _file_damage(self, name: str, digest: str) -> str:
        try:
            return "" if hex_digest_of(self.path / name) == digest else "damaged"
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "damaged"

    def rejected(self) -> pa.Table:
        """Inputs without a hash: split, path, path_bytes, stage, reason."""
        if not self.rejected_digest:
            return REJECTED_SCHEMA.empty_table()
        return _read_rejected(self.path / REJECTED)

    def write_rejected(self, table: pa.Table) -> None:
        """Replace the inputs without a hash."""
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(parquet.plain(table))
        empty_parquet.write_data(self.path / REJECTED, self.schema, sink.getvalue().to_pybytes())
        self.rejected_digest = hex_digest_of(self.path / REJECTED)


def is_store(path: Path) -> bool:
    """Whether a folder has a manifest."""
    return any((path / name).is_file() for name in (MANIFEST, OLD_MANIFEST))


def store_at(path: Path) -> Path:
    """The store that a folder stands for: itself, or that of the audit in it."""
    inside = path / AUDIT_STORE
    return inside if is_store(inside) and not is_store(path) else path


def open_store(path: Path) -> Store:
    """Open a store and check its manifest; `Store.verify` checks its parts.

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
        inside = min(filter(is_store, map(store_at, path.glob("*/"))), default=None)
        hint = f"; there is one in it: {str(inside)!r}" if inside else ""
        raise StoreError(
            f"not a store, nor the folder of an audit: {str(path)!r}{hint}. "
            "`fastphash hash` makes a store, `fastphash audit` an audit"
        )
    manifest = read_manifest(path)
    if manifest.get("schema") not in READABLE_VERSIONS:
        versions = listed([*map(str, READABLE_VERSIONS)])
        raise StoreError(
            f"{path} has schema {manifest.get('schema')!r:.40}, this version reads {versions}: "
            "hash again, into a new folder"
        )
    # earlier versions list former parts as "removed", by names alone: nothing tells whether these
    # files are still their own
    manifest = {"left_out": [], "former": {}, "origins": {}, "further": [], **manifest}
    check_manifest(manifest, manifest_file(path))
    return Store(
        path,
        Definition(**manifest["definition"]),
        Layout(manifest["orientations"], manifest["thumbnails"], tuple(manifest["further"])),
        manifest["roots"],
        [Part(**part) for part in manifest["parts"]],
        manifest["skipped"],
        manifest["rejected"],
        manifest["unfinished"],
        manifest["left_out"],
        manifest["former"],
        manifest["schema"],
        manifest["origins"],
    )


def _read_rejected(path: Path) -> pa.Table:
    """The table in a file of rejected inputs; of an old store, the file is the table."""
    if parquet.read_schema(path).names == REJECTED_SCHEMA.names:
        return parquet.read_fitting(path, REJECTED_SCHEMA, advice=_MAKE_ANEW)
    data = empty_parquet.read_data(path)
    with parquet.reading(path), pa.ipc.open_stream(data) as reader:
        return reader.read_all().unify_dictionaries().cast(REJECTED_SCHEMA)
