"""`fastphash query`."""

import os

import click

from fastphash.cli import options
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_names import read_options
from fastphash.cli.option_groups import QueryColumns, SearchOptions, gather
from fastphash.cli.signals import handle_signals
from fastphash.defaults import NEAREST


@click.command("query")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--in",
    "store",
    required=True,
    metavar="STORE",
    help="Store to search, STORE@SPLIT, or a table of hashes.",
)
@options.radius_option(None, "Largest Hamming distance of an image that is named.  [default: any]")
@click.option(
    "-k",
    type=click.IntRange(min=1),
    default=NEAREST,
    show_default=True,
    metavar="K",
    help="Number of stored images to name for each IMAGE.",
)
@options.image_column_option
@options.table_file_option("File for the stored images that are named.", required=False)
@options.search_options
@read_options
@options.json_option
@gather(output=TableFile, search=SearchOptions, named=QueryColumns)
def query(
    images: tuple[str, ...],
    store: str,
    radius: int | None,
    k: int,
    output: TableFile,
    search: SearchOptions,
    named: QueryColumns,
    as_json: bool,
) -> None:
    """Find the stored images nearest to each IMAGE, in any orientation.

    A tar, zip or Parquet file stands for all images in it, x.tar::1.jpg for one. Each may be an
    address, as s3://BUCKET/1.jpg. A table with path and hashes stands for its rows, and may be
    searched, too: Parquet, CSV, JSON lines, or the JSON of imagededup.

    \b
    Examples:
      fastphash query photo.jpg --in audit/hashes
      fastphash query shard-000000.tar --in audit/hashes
    """
    output.check()
    from fastphash.audits.query import nearest, stands_for_several
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_join import show_nearest
    from fastphash.files.table_formats import write_table
    from fastphash.sources.member_paths import SEPARATOR
    from fastphash.store.open import read_hashes

    handle_signals()
    stored = read_hashes(store, columns=named.columns, algorithm=named.algorithm)
    with ProgressScreen() as progress:
        table, rejected = nearest(
            images,
            stored,
            radius=radius,
            k=k,
            options=search.join(progress),
            image_column=named.image_column,
            columns=named.columns,
            progress=progress,
        )
    if output.path is not None:
        write_table(output.path, table, output.table_form, overwrite=output.overwrite)
    if as_json:
        show_json(table.drop_columns(["path_bytes"]).to_pylist())
    else:
        rows = table.to_pylist()
        done = {os.fsdecode(path) for path, _, _ in rejected}
        # one that stands for several is named if none of them has an answer
        answered = {row["query"].partition(os.fsdecode(SEPARATOR))[0] for row in rows}
        done |= {name for name in answered if stands_for_several(name, named.columns)}
        unanswered = [image for image in images if image not in done]
        show_nearest(rows, unanswered, stored.algorithm.name)
    if rejected:
        for path, stage, reason in rejected:
            name = path.decode(errors="replace")
            click.echo(f"Error: {name!r} gives no hash: {stage}: {reason}", err=True)
        raise SystemExit(1)
