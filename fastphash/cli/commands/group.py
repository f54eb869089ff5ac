"""`fastphash group`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from fastphash.base.progress import Progress
from fastphash.cli import options
from fastphash.cli.engine_options import EngineOptions, engine_options
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_quality import compare_options
from fastphash.cli.on_disk import JoinedOptions, has_kept, joining, open_side
from fastphash.cli.option_groups import CopyOptions, KeeperOptions, gather
from fastphash.cli.signals import handle_signals

if TYPE_CHECKING:
    from fastphash.hashing.definition import Definition
    from fastphash.results.disk_groups import DiskGroups
    from fastphash.results.groups import GroupedRows
    from fastphash.results.pairs import UnseenCounter
    from fastphash.store.rows import HashTable


@click.command("group")
@click.argument("stores", nargs=-1, required=True, metavar="STORE...")
@options.table_file_option("File for the groups.", "hash-and-search")
@options.radius_option(0, "Largest Hamming distance of two copies.")
@options.grouping_option
@options.keep_in_option()
@options.verify_options
@options.search_options
@engine_options
@options.scratch_option("FILE.scratch")
@compare_options
@options.json_option
@gather(
    output=TableFile,
    copies=CopyOptions,
    keepers=KeeperOptions,
    reading=JoinedOptions,
    engine=EngineOptions,
)
def group(
    stores: tuple[str, ...],
    output: TableFile,
    copies: CopyOptions,
    keepers: KeeperOptions,
    reading: JoinedOptions,
    engine: EngineOptions,
    as_json: bool,
) -> None:
    """Group the copies in one or more stores; one image of each group is its keeper.

    A STORE may be STORE@SPLIT, or a table with path and hashes: Parquet, CSV, JSON lines, or the
    JSON of imagededup.

    \b
    Example:
      fastphash group hashes -o groups.parquet
    """
    output.check()
    copies.least_score()
    engine.check(explain=copies.explain)
    engine.start_early(*stores)
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_join import show_groups, show_unseen
    from fastphash.results.pairs import UnseenCounter

    folder = reading.folder(stores, output, copies.memory, engine)
    handle_signals(lambda: has_kept(folder))
    with ProgressScreen() as progress:
        # the JSON of the paper's scripts names all rows
        if folder is None and (not engine.on_spark or output.table_form is None):
            grouping = _in_memory(stores, reading, copies, keepers, output, engine, progress)
        else:
            grouping = _in_parts(stores, reading, copies, keepers, engine, folder, progress)
        with grouping as found:
            counter = UnseenCounter(found.grouped.pieces())
            kinds = _write_groups(counter, found.rows, output)
    groups = found.grouped.count_groups()
    algorithm = found.definition.algorithm
    if as_json:
        counts = {"images": found.images, "groups": groups, "copies": kinds}
        hashed = {"hash": algorithm, "bits": found.definition.bits}
        show_json(hashed | counts | {"unseen": counter.unseen})
    else:
        title = f"Groups by {algorithm}, in {output.path}"
        show_groups(title, found.images, groups, kinds)
        show_unseen(0 if not copies.verify else counter.unseen)


class _Found(NamedTuple):
    """The groups of rows that may have a copy; how many there are of all, and how they were hashed.

    `rows` are all of them, if the paper's JSON is to name them.
    """

    grouped: "GroupedRows | DiskGroups"
    images: int
    definition: "Definition"
    rows: "HashTable | None" = None


@contextlib.contextmanager
def _in_memory(
    stores: tuple[str, ...],
    reading: JoinedOptions,
    copies: CopyOptions,
    keepers: KeeperOptions,
    output: TableFile,
    engine: EngineOptions,
    progress: Progress,
) -> Iterator[_Found]:
    from fastphash.files import parquet
    from fastphash.results.groups import candidates, group_rows
    from fastphash.results.priority import keep_in_first, order_splits

    rows = reading.read(*stores)
    copies.check_thumbnails({" ".join(stores): rows})
    split_order = keep_in_first(order_splits(rows), keepers.keep_in)
    images, named = len(rows), rows if output.table_form is None else None
    criteria = copies.criteria(progress, rows.algorithm.bits)
    partnered = engine.partnered(rows, criteria, progress)
    if named is None:
        rows.drop_hash_columns()
    ranked = candidates(rows, split_order, criteria, partnered, hand_over=named is None)
    del rows, partnered
    parquet.release_memory()
    yield _Found(group_rows(ranked, criteria, keepers.grouping), images, ranked.definition, named)


@contextlib.contextmanager
def _in_parts(
    stores: tuple[str, ...],
    reading: JoinedOptions,
    copies: CopyOptions,
    keepers: KeeperOptions,
    engine: EngineOptions,
    folder: Path | None,
    progress: Progress,
) -> Iterator[_Found]:
    """Groups of rows that are read in parts: on the disk, or on Spark without a folder."""
    from fastphash.results.disk_candidates import group_candidates, look_up_candidates
    from fastphash.results.groups import group_rows
    from fastphash.results.priority import keep_in_first, order_counted

    rows = open_side(stores, reading, read_others=engine.on_spark)
    copies.check_thumbnails({" ".join(stores): rows})
    split_order = keep_in_first(order_counted(rows.count_splits()), keepers.keep_in)
    criteria = copies.criteria(progress, rows.definition.bits)
    if folder is None:
        with engine.joining(rows, None, criteria, progress) as join_there:
            partnered = join_there.partnered()
        ranked = look_up_candidates(rows, partnered, split_order)
        yield _Found(group_rows(ranked, criteria, keepers.grouping), len(rows), rows.definition)
        return
    with joining(rows, None, criteria, folder) as (join, scratch):
        grouped = group_candidates(rows, join, scratch, split_order, criteria, keepers.grouping)
        yield _Found(grouped, len(rows), rows.definition)


def _write_groups(
    tables: "UnseenCounter", rows: "HashTable | None", output: TableFile
) -> dict[str, int]:
    """Write groups as a table, or of `rows` as the paper's JSON; returns the copies by kind."""
    import pyarrow as pa

    from fastphash.files import atomic, parquet
    from fastphash.files.table_formats import write_tables
    from fastphash.results.schemas import GROUPS_SCHEMA
    from fastphash.store.convert import paper_groups

    path, overwrite = Path(str(output.path)), output.overwrite
    if rows is None:
        form = output.table_form
        return write_tables(path, GROUPS_SCHEMA, tables, "kind", form, overwrite=overwrite)
    table = pa.concat_tables([GROUPS_SCHEMA.empty_table(), *tables])
    atomic.write_json(path, paper_groups(rows, table), overwrite=overwrite)
    return parquet.count_values(table["kind"])
