"""`fastphash group`."""

from pathlib import Path

import click

from fastphash.cli import options
from fastphash.cli.file_options import TableFile, columns_option
from fastphash.cli.option_groups import CopyOptions, KeeperOptions, gather
from fastphash.cli.signals import handle_signals


@click.command("group")
@click.argument("stores", nargs=-1, required=True, metavar="STORE...")
@options.table_file_option("File for the groups.", "hash-and-search")
@options.radius_option(0, "Largest Hamming distance of two copies.")
@options.grouping_option
@options.keep_in_option()
@options.verify_options
@options.search_options
@columns_option
@options.json_option
@gather(output=TableFile, copies=CopyOptions, keepers=KeeperOptions)
def group(
    stores: tuple[str, ...],
    output: TableFile,
    copies: CopyOptions,
    keepers: KeeperOptions,
    columns: dict[str, str],
    as_json: bool,
) -> None:
    """Group the copies in one or more stores; one image of each group is its keeper.

    A STORE may be STORE@SPLIT, or a table with path and phash: Parquet, CSV, JSON lines, or the
    JSON of imagededup.

    \b
    Example:
      fastphash group hashes -o groups.parquet
    """
    output.check()
    copies.least_score()
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_join import show_groups, show_unseen
    from fastphash.files import atomic, parquet
    from fastphash.files.table_formats import write_table
    from fastphash.results.groups import candidates, group_rows
    from fastphash.results.pairs import count_unseen
    from fastphash.results.priority import keep_in_first, order_splits, priority
    from fastphash.store.convert import paper_groups
    from fastphash.store.open import read_together

    handle_signals()
    rows = read_together(list(stores), columns)
    copies.check_thumbnails({" ".join(stores): rows})
    order = priority(rows, keep_in_first(order_splits(rows), keepers.keep_in))
    with ProgressScreen() as progress:
        criteria = copies.criteria(progress)
        ranked = candidates(rows, order, criteria)
        table = group_rows(ranked, criteria, keepers.grouping).table()
    path = Path(str(output.path))
    if form := output.table_form:
        write_table(path, table, form, overwrite=output.overwrite)
    else:
        atomic.write_json(path, paper_groups(rows, table), overwrite=output.overwrite)
    kinds = parquet.count_values(table["kind"])
    groups = table.num_rows - sum(kinds.values())
    unseen = count_unseen(table)
    if as_json:
        show_json({"images": len(rows), "groups": groups, "copies": kinds, "unseen": unseen})
    else:
        show_groups(f"Groups, in {path}", len(rows), groups, kinds)
        show_unseen(0 if not copies.verify else unseen)
