"""Images to hashes, in memory or into a store."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from fastphash.base.paths import is_path, name_bytes
from fastphash.base.progress import Progress, no_progress, shown
from fastphash.base.text import listed
from fastphash.defaults import MAX_PIXELS, TIMEOUT
from fastphash.errors import DefinitionError, UsageError
from fastphash.files import parquet
from fastphash.hashing.definition import Definition
from fastphash.ingest.batch import Batch, Rejection
from fastphash.ingest.executor import Executor, hash_entries
from fastphash.ingest.options import IngestOptions, hashing_options
from fastphash.ingest.pool import start_workers
from fastphash.ingest.tables import batch_table, rejected_table
from fastphash.ingest.tally import Tally
from fastphash.ingest.update import StoreUpdate
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Entry, Source
from fastphash.sources.splits import check_sources
from fastphash.store.create import check_new, create_store
from fastphash.store.leftovers import remove_leftovers
from fastphash.store.lock import locked
from fastphash.store.schema import store_schema, stored_algorithms
from fastphash.store.store import Store, is_store, open_store

_log = logging.getLogger(__name__)

# strangers in a store that a warning names
_STRANGERS = 3


class Hashed(NamedTuple):
    """Hashes of images, and the inputs without one.

    Attributes
    ----------
    table : pyarrow.Table
        Columns of a store without split; rows in input order.
    rejected : pyarrow.Table
        Columns path, path_bytes, stage, reason.
    """

    table: pa.Table
    rejected: pa.Table


def hash_images(
    paths: Iterable["str | bytes | os.PathLike[str]"],
    *,
    workers: int | None = None,
    definition: Definition | None = None,
    hashes: Sequence[str] | None = None,
    orientations: bool = True,
    thumbnails: bool = True,
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
    progress: bool | Progress = False,
) -> Hashed:
    """Hash image files with worker processes, or in this process.

    Any program may call it: a script on standard input, a notebook, a thread, a pool's worker.

    Parameters
    ----------
    paths : iterable of paths
        Files that aren't images are rejected, whatever their names.
    workers : int, optional
        Processes; one for each core by default. 0 hashes in this process, on one core: `timeout`
        then has no effect, and a decoder that crashes on a damaged image takes the caller with it.
    definition : Definition, optional
        What the hashes mean; by default as ImageHash's under Pillow 13.
    hashes : sequence of str, optional
        Names of the hashes to make of each image, such as ``("phash", "dhash_256")``; by default
        the one of the definition.
    orientations, thumbnails : bool
        Whether to make these columns; chroma and layers come with the thumbnails.
    timeout : float
        Seconds for one image; one that takes longer twice, or crashes twice, is rejected.
    max_pixels : int
        Images with more pixels, by their headers, are rejected, as are those that Pillow refuses.
    progress : bool or callable
        True for a bar in a notebook or on a terminal, and a line now and then elsewhere; or what is
        called as ``progress("hashing", done, 0)``.

    Raises
    ------
    UsageError
        An argument has another type or is out of range, or `paths` is a single path.
    WorkerError
        Worker processes can't be started.
    """
    names = _names(paths)
    options = hashing_options(
        workers=workers,
        definition=definition,
        hashes=hashes,
        orientations=orientations,
        thumbnails=thumbnails,
        timeout=timeout,
        max_pixels=max_pixels,
    )
    with shown(progress) as report, start_workers(options) as pool:
        return collect_hashed(
            hash_entries(pool, LocalReader(b""), map(Entry, names)), options, report
        )


def collect_hashed(batches: Iterable[Batch], options: IngestOptions, progress: Progress) -> Hashed:
    """The hashes of batches in memory; inputs that are no images are rejected."""
    schema = store_schema(options.definition, options.layout)
    tables, done = [schema.empty_table()], 0
    rejected: list[Rejection] = []
    for batch in batches:
        tables.append(batch_table("", batch, options.definition, options.layout))
        rejected += batch.rejected
        rejected += [Rejection(path, "identify", "not an image") for path in batch.skipped]
        done += batch.inputs
        progress("hashing", done, 0)
    table = parquet.plain(pa.concat_tables(tables)).drop_columns(["split"])
    return Hashed(table, rejected_table({"": rejected}).drop_columns(["split"]))


def _names(paths: Iterable["str | bytes | os.PathLike[str]"]) -> Iterator[bytes]:
    """Check what is given as paths; returns their bytes one by one."""
    if is_path(paths):
        raise UsageError(f"hash_images takes several paths, not one: [{paths!r}]")
    if not isinstance(paths, Iterable):
        raise UsageError(f"hash_images takes an iterable of paths, not {paths!r}")
    return map(name_bytes, paths)


def hash_into(
    path: Path,
    sources: Sequence[Source],
    options: IngestOptions | None = None,
    *,
    progress: Progress = no_progress,
    avoid: Path | None = None,
    before_writing: Callable[[], None] = lambda: None,
    start_executor: Callable[[IngestOptions], Executor] = start_workers,
) -> dict[str, Tally]:
    """Bring a store up to date with its sources: hash what is new or changed, drop what is gone.

    Its other splits stay as they are. A killed run is continued, a damaged part made anew.

    Parameters
    ----------
    path : Path
        The store; made if it isn't there.
    sources : sequence of Source
    options : IngestOptions, optional
    progress : callable, optional
        Called as ``progress(stage, done, total)``.
    avoid : Path, optional
        A folder whose files are no inputs; the store itself by default.
    before_writing : callable, optional
        Called before the store is first changed, if it is.
    start_executor : callable, optional
        Called with the options if there is anything to hash; starts worker processes by default.

    Returns
    -------
    dict of str to Tally
        By split.

    Raises
    ------
    UsageError
        Two splits clash, or the folder holds something else.
    StoreError
        The store can't be written or is being written; its manifest, or a part with other splits,
        is damaged; or all files of a split are gone.
    DefinitionError
        The store has another definition or layout, or lacks a hash; further ones it keeps.
    """
    check_sources(sources)
    options = options or IngestOptions()
    if not is_store(path):
        check_new(path)
    with locked(path):
        store, options = _open_or_create(path, options, [source.split for source in sources])
        _name_strangers(path, remove_leftovers(store))
        update = StoreUpdate(
            store,
            sources,
            options,
            progress=progress,
            avoid=avoid or path,
            before_writing=before_writing,
        )
        return update.run(lambda: start_executor(options))


def _name_strangers(path: Path, names: list[str]) -> None:
    """Say which files other programs have put among the parts of a store."""
    if not names:
        return
    shown = [repr(name) for name in names[:_STRANGERS]]
    if more := names[_STRANGERS:]:
        shown.append(f"{len(more):,} more")
    _log.warning(
        "%s in %r: not in its manifest, left alone. Programs that read the whole folder read such "
        "files too: move them elsewhere",
        listed(shown),
        str(path),
    )


def _open_or_create(
    path: Path, options: IngestOptions, splits: list[str]
) -> tuple[Store, IngestOptions]:
    """The store, and the options with all hashes that it has."""
    definition, layout = options.definition, options.layout
    if not is_store(path):
        return create_store(path, definition, layout, splits), options
    store = open_store(path)
    there = [one.name for one in stored_algorithms(store.definition, store.layout)]
    asked = [definition.algorithm, *layout.further]
    if not {*asked} <= {*there}:
        raise DefinitionError(
            f"{path} has {listed(there)}; this run asks for {listed(asked)}. "
            "Ask for hashes that it has, or name a new folder"
        )
    definition = replace(definition, algorithm=store.definition.algorithm)
    layout = replace(layout, further=store.layout.further)
    for stored, wanted in ((store.definition, definition), (store.layout, layout)):
        if stored != wanted:
            raise DefinitionError(
                f"{path} was made with: {stored}; this run asks for: {wanted}. "
                "Ask for the same, or name a new folder"
            )
    return store, replace(options, definition=store.definition, layout=store.layout)
