"""The images of an audit: all of them in memory, or of those that have no partner but names.

Where another engine joins what it reads by itself, hashes, colours and thumbnails of images that
are near no other one need not be here: no result names them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.audits.engine import Engine
from fastphash.audits.findings import views_compared
from fastphash.audits.options import AuditOptions
from fastphash.audits.radius import ChosenRadius, choose_criteria
from fastphash.base.progress import Progress
from fastphash.external.store_stream import StoreStream
from fastphash.files import parquet
from fastphash.joins.chance import sample_rows
from fastphash.joins.index import Index
from fastphash.labels.levels import LEVEL
from fastphash.results.audit_folder import read_splits, stored_splits
from fastphash.results.decisions import Resolved
from fastphash.store.rows import STORE_ROW, HashTable
from fastphash.store.stored_rows import StoredRows
from fastphash.store.whole import Whole
from fastphash.verification.criteria import CopyCriteria

# what counts, decides and compares labels of all images needs
_NAMES = ("split", "path", "path_bytes", "digest", "width", "height", STORE_ROW)


class Images(NamedTuple):
    """All images of an audit.

    Attributes
    ----------
    rows : HashTable
    stream : StoreStream, optional
        What else is known of them, if `rows` have names, digests and sizes alone.
    """

    rows: HashTable
    stream: StoreStream | None


class Searched(NamedTuple):
    """The images that are searched for copies.

    Attributes
    ----------
    rows : HashTable
        All that are compared, or of those only the ones that some result may name.
    chosen : ChosenRadius
    decided : Resolved
        What was decided about these rows.
    near : bool (n,), optional
        Which of them are within the radius of another one, if that is known.
    """

    rows: HashTable
    chosen: ChosenRadius
    decided: Resolved
    near: NDArray[np.bool_] | None


def read_images(
    out: Path, splits: Sequence[str], algorithm: str, options: AuditOptions, engine: Engine
) -> Images:
    """The images of these splits, in the order of the store in the folder `out`.

    The others' windows, proposals of other hashes and tables of proposals may make a copy of any
    image: then all are read.
    """
    if engine.partnered is not None and not (options.proposals or options.proposing):
        stored = stored_splits(out, splits, algorithm)
        stream = StoreStream(stored, str(out))
        asked_for = CopyCriteria(0, options.min_score)
        thumbnails = stream.has_thumbnails
        sees_windows = views_compared(asked_for, options, thumbnails=thumbnails) != "none"
        if not sees_windows and _hashes_are_whole(stream, stored.store.schema.names):
            return Images(_names(stored), stream)
    return Images(read_splits(out, [*splits], algorithm), None)


def choose_rows(
    images: Images,
    compared: HashTable,
    decided: Resolved,
    options: AuditOptions,
    engine: Engine,
    progress: Progress,
) -> Searched:
    """Choose the radius, and the images that are searched for copies within it.

    Parameters
    ----------
    images : Images
    compared : HashTable
        Those that are compared, in the same order.
    decided : Resolved
        What was decided about them.
    """
    store = images.rows.store
    thumbnails = store is not None and store.layout.thumbnails
    if images.stream is None or engine.partnered is None:
        chosen = choose_criteria(compared, options, thumbnails=thumbnails)
        near = engine.has_partner(compared, chosen.criteria, progress)
        return Searched(compared, chosen, decided, near)
    # the number of each in the stream
    number = np.searchsorted(_places(images.rows), _places(compared))
    sampled = number[sample_rows(len(compared))]
    sample = images.stream.take(sampled, images.stream.definition.columns)
    index = Index(sample.hashes, sample.known)
    chosen = choose_criteria(compared, options, thumbnails=thumbnails, sample=index)
    near = np.zeros(len(images.rows), np.bool_)
    near[engine.partnered(images.stream, chosen.criteria.radius, progress)] = True
    kept = near[number]
    for about in (decided.copies, decided.not_copies, decided.keepers):
        kept[about] = True
    # where nothing is near anything, one row stays all the same: no step takes an empty table
    kept[:1] = True
    rows = np.flatnonzero(kept)
    found = images.stream.take(number[rows])
    table = found.table.append_column(LEVEL, compared.table[LEVEL].take(rows))
    whole = Whole(len(compared), rows)
    searched = HashTable(table, found.definition, found.store, whole=whole)
    return Searched(searched, chosen, decided.among(rows), None)


def _hashes_are_whole(stream: StoreStream, columns: Sequence[str]) -> bool:
    """Whether all images have the same hashes: some of them then have the same, too."""
    stored = [t for t, name in enumerate(stream.definition.columns) if name in columns]
    return stream.definition.bits == 64 and [*stream.known] == stored


def _names(stored: StoredRows) -> HashTable:
    schema = stored.narrowed(_NAMES)
    return HashTable(parquet.concat(schema, stored.tables(_NAMES)), stored.definition, stored.store)


def _places(rows: HashTable) -> NDArray[np.int64]:
    places: NDArray[np.int64] = rows.table[STORE_ROW].to_numpy()
    return places
