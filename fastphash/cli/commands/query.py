"""`fastphash query`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastphash.cli import options
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_quality import compare_options, say_left_out, say_not_asked
from fastphash.cli.option_groups import QueryColumns, SearchOptions, gather
from fastphash.cli.signals import handle_signals
from fastphash.defaults import NEAREST

if TYPE_CHECKING:
    from fastphash.audits.query import Answer


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
@compare_options
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
    from fastphash.audits.asked import Asking
    from fastphash.audits.query import nearest
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_join import show_nearest
    from fastphash.files.table_formats import write_table
    from fastphash.store.open import read_hashes

    handle_signals()
    columns = _columns_of_store(store, images, named.columns, named.image_column)
    stored = read_hashes(store, columns=columns, algorithm=named.algorithm)
    with ProgressScreen() as progress:
        answer = nearest(
            images,
            stored,
            radius=radius,
            k=k,
            asking=Asking(named.image_column, named.columns, named.min_quality),
            options=search.join(progress),
            progress=progress,
        )
    table = answer.table
    say_left_out(store, answer.poor_stored, len(stored), stored.algorithm, named.min_quality)
    say_not_asked(answer.poor, stored.algorithm, named.min_quality)
    if output.path is not None:
        write_table(output.path, table, output.table_form, overwrite=output.overwrite)
    if as_json:
        show_json(table.drop_columns(["path_bytes"]).to_pylist())
    else:
        rows = table.to_pylist()
        unanswered = _unanswered(images, rows, answer, named.columns)
        show_nearest(rows, unanswered, stored.algorithm.name)
    if answer.rejected:
        for path, stage, reason in answer.rejected:
            name = path.decode(errors="replace")
            click.echo(f"Error: {name!r} gives no hash: {stage}: {reason}", err=True)
        raise SystemExit(1)


def _columns_of_store(
    store: str, images: Sequence[str], columns: Mapping[str, str], image_column: str | None
) -> Mapping[str, str]:
    """Those of `columns` that the searched table has, if tables are asked for, too.

    A name of `columns` is for every table that has it; UsageError if none has.
    """
    from fastphash.audits.asked import is_hash_table
    from fastphash.store.hash_files import check_columns_there, columns_there
    from fastphash.store.open import split_target

    tables = [
        Path(name) for name in images if is_hash_table(os.fsencode(name), columns, image_column)
    ]
    if not tables:
        return columns
    path, _ = split_target(store)
    searched = [path] if path.is_file() else []
    check_columns_there([*searched, *tables], columns)
    return columns_there(searched[0], columns) if searched else columns


def _unanswered(
    images: Sequence[str], rows: list[dict[str, Any]], answer: "Answer", columns: Mapping[str, str]
) -> list[str]:
    """The images that were compared, and have no answer."""
    from fastphash.audits.query import stands_for_several
    from fastphash.sources.member_paths import SEPARATOR

    done = {os.fsdecode(path) for path, _, _ in answer.rejected} | {*answer.poor}
    # one that stands for several is named if none of them has an answer
    answered = {row["query"].partition(os.fsdecode(SEPARATOR))[0] for row in rows}
    done |= {name for name in answered if stands_for_several(name, columns)}
    return [image for image in images if image not in done]
