"""What a query asks for: images, hashed as the stored ones were, and rows of tables of hashes."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.audits.query_images import query_images
from fastphash.base.vocabulary import UNKNOWN_CHROMA
from fastphash.defaults import MIN_QUALITY
from fastphash.errors import DefinitionError, StoreError
from fastphash.files.table_formats import ENDINGS
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.hashing.definition import Definition
from fastphash.ingest.batch import Batch, Rejection
from fastphash.ingest.worker import Hasher, Recipe
from fastphash.joins.index import Index
from fastphash.sources.containers.parquet import column_names
from fastphash.sources.member_paths import member_path
from fastphash.store.content import Content
from fastphash.store.evidence import Layer, RowEvidence
from fastphash.store.hash_files import columns_there
from fastphash.store.open import check_comparable, read_hashes
from fastphash.store.rows import HashTable
from fastphash.store.schema import CHROMA_BYTES, LAYERS, exact_paths
from fastphash.store.threatexchange import LINES_ENDING

# rows of a table that are asked for at once: where each is compared with all, and in a join, which
# takes as long for few as for many
_ROWS_AT_ONCE, _ROWS_JOINED = 1 << 10, 1 << 16


class Asking(NamedTuple):
    """How what is asked for is read.

    Attributes
    ----------
    image_column : str, optional
        Column of Parquet files with the images.
    columns : mapping of str to str
        Names of the columns of tables of hashes, as of `read_hashes`; a table that lacks one has
        its own name for it.
    min_quality : int
        The least quality of PDQ hashes that are compared, 0 to 100; those of less are compared only
        with files of the same bytes among the others.
    """

    image_column: str | None = None
    columns: Mapping[str, str] = MappingProxyType({})
    min_quality: int = MIN_QUALITY


AS_STORED = Asking()


class Asked(NamedTuple):
    """Some images that are asked for, by their hashes.

    Attributes
    ----------
    names : list of str
    hashes : Index
    content : Content
    poor : bool (n,)
        Which hashes have too little quality.
    """

    names: list[str]
    hashes: Index
    content: Content
    poor: NDArray[np.bool_]


def is_hash_table(name: bytes, columns: Mapping[str, str], image_column: str | None = None) -> bool:
    """Whether a file is a table of hashes by its name; of Parquet files, by its columns.

    None is one that has the `image_column`.
    """
    ending = os.path.splitext(os.fsdecode(name))[1].lower()
    if ending not in (*ENDINGS, LINES_ENDING) or not os.path.isfile(name):
        return False
    hashes = {columns.get(algorithm, algorithm) for algorithm in ALGORITHMS} | {*ALGORITHMS}
    if ending != ".parquet":
        return True
    there = column_names(name)
    is_named = image_column is not None and image_column.partition(".")[0] in there
    return not is_named and not hashes.isdisjoint(there)


def ask_images(
    names: Iterable[bytes],
    definition: Definition,
    asking: Asking,
    rejected: list[Rejection],
) -> Iterator[Asked]:
    """Hash images as `definition` says; those without a hash are `rejected`.

    Raises
    ------
    DefinitionError
        Nobody knows how the stored hashes were made.
    """
    if definition.source == "foreign":
        raise DefinitionError(_unlike(next(iter(names))))
    algorithm = ALGORITHMS[definition.algorithm]
    hasher = Hasher(Recipe(definition.decoding(), definition.pass_order, (algorithm.name,)))
    for some in query_images(names, asking.image_column, rejected):
        hashed = hasher.hash_files(some.reader, some.paths)
        rejected += hashed.rejected
        if some.named:
            rejected += [Rejection(path, "sniff", "not an image") for path in hashed.skipped]
        if hashed.paths:
            visible = [_visible(path) for path in hashed.paths]
            hashes = hashed.hashes[algorithm.name]
            index = Index(hashes[..., 0] if algorithm.words == 1 else hashes)
            known = hashed.qualities.get(algorithm.name)
            poor = np.zeros(len(visible), np.bool_) if known is None else known < asking.min_quality
            yield Asked(visible, index, _batch_content(hashed), poor)


def ask_tables(
    names: Iterable[bytes],
    stored: HashTable,
    asking: Asking,
    rejected: list[Rejection],
    *,
    joined: bool,
) -> Iterator[Asked]:
    """Read tables of hashes, some rows at a time, more if `joined`; those without are `rejected`.

    Raises
    ------
    DefinitionError
        The hashes of a table were made in another way than the `stored` ones.
    """
    for name in names:
        try:
            table = read_hashes(
                os.fsdecode(name),
                columns=columns_there(Path(os.fsdecode(name)), asking.columns),
                algorithm=stored.algorithm.name,
            )
        except StoreError as error:
            reason = str(error).removeprefix(f"{os.fsdecode(name)}: ")
            rejected.append(Rejection(name, "read", reason))
            continue
        if not len(table):
            rejected.append(Rejection(name, "read", "it has no rows"))
            continue
        check_comparable(table, stored)
        several = _ROWS_JOINED if joined else _ROWS_AT_ONCE
        for start in range(0, len(table), several):
            rows = table.take(np.arange(start, min(start + several, len(table))))
            paths = exact_paths(rows.table).to_pylist()
            yield Asked(
                [_visible(member_path(name, path)) for path in paths],
                Index(rows.hashes, table.known),
                rows.content,
                rows.below_quality(asking.min_quality),
            )


def _unlike(name: bytes) -> str:
    """Why an image can't be compared with hashes from elsewhere."""
    text = (
        f"nobody knows how the stored hashes were made, so that {_visible(name)!r} can't be hashed "
        "alike: vouch for them with `fastphash convert --as`"
    )
    if not name.lower().endswith(b".parquet"):
        return text
    return f"{text} (as a table it lacks a column such as 'phash': `columns` names another)"


def _visible(path: bytes) -> str:
    return os.fsdecode(path).encode("utf-8", "replace").decode()


def _batch_content(hashed: Batch) -> Content:
    unknown = np.zeros(CHROMA_BYTES, np.int8)
    unknown[0] = UNKNOWN_CHROMA
    chroma = [unknown if row is None else np.frombuffer(row, np.int8) for row in hashed.chroma]
    return Content(
        hashed.thumbnails.reshape(len(hashed.paths), -1),
        np.stack(chroma),
        np.frombuffer(b"".join(hashed.digests), np.uint64).reshape(-1, 2),
        _batch_evidence(hashed),
    )


def _batch_evidence(hashed: Batch) -> RowEvidence:
    pixels = b"".join(row.pixel_digest or bytes(16) for row in hashed.evidence)
    return RowEvidence(
        np.frombuffer(pixels, np.uint64).reshape(-1, 2),
        np.array([row.frames or 0 for row in hashed.evidence], np.int32),
        *(Layer.from_values([getattr(row, name) for row in hashed.evidence]) for name in LAYERS),
    )
