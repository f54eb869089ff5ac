"""Images to hashes, in memory or into a store."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from fastphash.base.progress import Progress, no_progress
from fastphash.defaults import MAX_PIXELS, TIMEOUT
from fastphash.errors import DefinitionError, UsageError
from fastphash.files import parquet
from fastphash.hashing.definition import Definition
from fastphash.ingest.batch import Rejection, batch_table, rejected_table
from fastphash.ingest.executor import hash_paths
from fastphash.ingest.hasher import Recipe
from fastphash.ingest.pool import Workers, check_timeout, worker_count
from fastphash.ingest.tally import Tally
from fastphash.ingest.update import StoreUpdate
from fastphash.sources.base import Source
from fastphash.sources.local import LocalReader, check_sources
from fastphash.store.lock import locked
from fastphash.store.schema import Layout, store_schema
from fastphash.store.store import Store, check_new, create_store, is_store, open_store


class Hashed(NamedTuple):
    """Hashes of images, and the inputs without one: `pyarrow.Table` both.

    Attributes
    ----------
    table
        Columns of a store but for split; rows in input order.
    rejected
        Columns path, path_bytes, stage, reason.
    """

    table: pa.Table
    rejected: pa.Table


def hash_images(
    paths: Iterable["str | bytes | os.PathLike[str]"],
    *,
    workers: int | None = None,
    definition: Definition | None = None,
    orientations: bool = True,
    thumbnails: bool = True,
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
    progress: Progress = no_progress,
) -> Hashed:
    """Hash image files with worker processes.

    In a script, call it below ``if __name__ == "__main__":``, as everything that starts processes.

    Parameters
    ----------
    paths : iterable of paths
        Files that are no images are rejected, whatever their names.
    workers : int, optional
        Processes; one for each core by default.
    definition : Definition, optional
        How to hash; the default equals ImageHash under Pillow 13.
    orientations, thumbnails : bool
        Whether to make these columns; chroma comes with the thumbnails.
    timeout : float
        Seconds for one image; one that takes longer twice is rejected, as one that crashes.
    max_pixels : int
        Larger images are rejected by their headers.
    progress : callable, optional
        Called as ``progress("hashing", done, 0)``.

    Raises
    ------
    UsageError
        No workers asked for, no time, or one path instead of several.
    WorkerError
        They could not be started.
    """
    if isinstance(paths, (str, bytes)):
        raise UsageError(f"hash_images takes several paths, not one: [{paths!r}]")
    definition, layout = definition or Definition(), Layout(orientations, thumbnails)
    schema = store_schema(definition, layout)
    made, rejected, done = [schema.empty_table()], [], 0
    recipe = _recipe(definition, layout, max_pixels)
    with Workers(worker_count(workers), recipe, timeout) as pool:
        names = (os.fsencode(path) for path in paths)
        for batch in hash_paths(pool, LocalReader(b""), names):
            made.append(batch_table("", batch, schema))
            rejected += batch.rejected
            rejected += [Rejection(path, "identify", "not an image") for path in batch.skipped]
            done += batch.inputs
            progress("hashing", done, 0)
    table = parquet.plain(pa.concat_tables(made))
    return Hashed(
        table.drop_columns(["split"]), rejected_table({"": rejected}).drop_columns(["split"])
    )


def hash_into(
    path: Path,
    sources: Sequence[Source],
    *,
    definition: Definition | None = None,
    layout: Layout | None = None,
    workers: int | None = None,
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
    keep_missing: bool = False,
    progress: Progress = no_progress,
    avoid: Path | None = None,
    before_writing: Callable[[], None] = lambda: None,
) -> dict[str, Tally]:
    """Bring a store up to date with its sources: hash what is new or changed, drop what is gone.

    Splits of the store that are not among the sources stay as they are. A run that was killed goes
    on where it was, and a damaged part is made anew.

    Parameters
    ----------
    path : Path
        The store; made if it isn't there.
    sources : sequence of Source
    definition, layout
        How to hash and what to keep; must be the store's if there is one.
    workers : int, optional
        Processes; one for each core by default.
    timeout : float
        Seconds for one image; one that takes longer twice is rejected, as one that crashes.
    max_pixels : int
        Larger images are rejected by their headers.
    keep_missing : bool
        Keep the rows of files that are gone (but not of another folder than the split's own).
    progress : callable, optional
        Called as ``progress(stage, done, total)``.
    avoid : Path, optional
        A folder not to look into, where it lies in a source; the store itself by default.
    before_writing : callable, optional
        Called before the first change of a store, if there is any.

    Returns
    -------
    dict of str to Tally
        By split.

    Raises
    ------
    UsageError
        Splits that can't stand side by side, no time, or something else in the folder.
    StoreError
        The folder can't be written, or another process writes it; its manifest is damaged, or a
        part that may not be made again; or all files of a split are gone.
    DefinitionError
        The store was made in another way.
    """
    check_sources(sources)
    definition, layout = definition or Definition(), layout or Layout()
    recipe = _recipe(definition, layout, max_pixels)
    count = worker_count(workers)
    check_timeout(timeout)
    if not is_store(path):
        check_new(path)
    with locked(path):
        splits = [source.split for source in sources]
        store = _open_or_create(path, definition, layout, splits)
        store.remove_orphans()
        update = StoreUpdate(store, sources, keep_missing, progress, avoid or path, before_writing)
        return update.run(lambda: Workers(count, recipe, timeout))


def _recipe(definition: Definition, layout: Layout, max_pixels: int) -> Recipe:
    return Recipe(definition.decoding(), definition.pass_order, layout.orientations, max_pixels)


def _open_or_create(path: Path, definition: Definition, layout: Layout, splits: list[str]) -> Store:
    if not is_store(path):
        return create_store(path, definition, layout, splits)
    store = open_store(path)
    for has, wanted in ((store.definition, definition), (store.layout, layout)):
        if has != wanted:
            raise DefinitionError(
                f"{path} was made with: {has}; this run asks for: {wanted}. "
                "Ask for the same, or name a new folder"
            )
    return store
