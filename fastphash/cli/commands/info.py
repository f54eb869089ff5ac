"""`fastphash info`."""

from pathlib import Path

import click

from fastphash.cli import options
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_names import ReadOptions, named_options
from fastphash.cli.option_groups import gather
from fastphash.cli.option_values import FILE
from fastphash.cli.signals import handle_signals


@click.command("info")
@click.argument("store")
@click.option(
    "--rejected",
    type=FILE,
    metavar="FILE",
    help="Write the files that gave no hash to a table: .csv, .parquet, or .jsonl (JSON lines).",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@named_options("Hash that is described, of those that a store or table has.")
@options.json_option
@gather(reading=ReadOptions)
def info(
    store: str, rejected: Path | None, overwrite: bool, reading: ReadOptions, as_json: bool
) -> None:
    """Show what is in a store and how its hashes were made.

    \b
    Example:
      fastphash info hashes
    """
    table_file = TableFile(rejected, overwrite, form=None)
    table_file.check()
    from fastphash.cli.output import show_json
    from fastphash.cli.output_hash import show_store
    from fastphash.files.table_formats import write_table
    from fastphash.store.open import read_hashes, read_rejected, summarise_hashes
    from fastphash.store.schema import with_visible_names

    handle_signals()
    rows = read_hashes(store, everything=True, columns=reading.columns, algorithm=reading.algorithm)
    contents = summarise_hashes(rows)
    if rejected is not None:
        table, form = read_rejected(store), table_file.table_form
        if form == "csv":
            table = with_visible_names(table)
        write_table(rejected, table, form, overwrite=overwrite)
    if as_json:
        show_json(contents)
    else:
        show_store(store, contents)
