"""`fastphash group`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastphash.cli import options
from fastphash.cli.engine_options import EngineOptions, engine_options
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_quality import ComparedOptions, compare_options
from fastphash.cli.option_groups import CopyOptions, KeeperOptions, gather
from fastphash.cli.signals import handle_signals

if TYPE_CHECKING:
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
@compare_options
@options.json_option
@gather(
    output=TableFile,
    copies=CopyOptions,
    keepers=KeeperOptions,
    reading=ComparedOptions,
    engine=EngineOptions,
)
def group(
    stores: tuple[str, ...],
    output: TableFile,
    copies: CopyOptions,
    keepers: KeeperOptions,
    reading: ComparedOptions,
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
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_join import show_groups, show_unseen
    from fastphash.files import parquet
    from fastphash.results.groups import candidates, group_rows
    from fastphash.results.pairs import UnseenCounter
    from fastphash.results.priority import keep_in_first, order_splits, priority

    handle_signals()
    rows = reading.read(*stores)
    copies.check_thumbnails({" ".join(stores): rows})
    order = priority(rows, keep_in_first(order_splits(rows), keepers.keep_in))
    images, named = len(rows), rows if output.table_form is None else None
    algorithm = rows.algorithm
    with ProgressScreen() as progress:
        criteria = copies.criteria(progress, algorithm.bits)
        partnered = engine.partnered(rows, criteria, progress)
        ranked = candidates(rows, order, criteria, partnered)
        del rows  # half of the memory, from here on
        parquet.release_memory()
        grouped = group_rows(ranked, criteria, keepers.grouping)
        counter = UnseenCounter(grouped.pieces())
        kinds = _write_groups(counter, named, output)
    if as_json:
        groups = grouped.count_groups()
        counts = {"images": images, "groups": groups, "copies": kinds, "unseen": counter.unseen}
        show_json({"hash": algorithm.name, "bits": algorithm.bits} | counts)
    else:
        title = f"Groups by {algorithm.name}, in {output.path}"
        show_groups(title, images, grouped.count_groups(), kinds)
        show_unseen(0 if not copies.verify else counter.unseen)


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
