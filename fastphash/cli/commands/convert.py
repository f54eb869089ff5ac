"""`fastphash convert`."""

from pathlib import Path

import click

from fastphash.cli.file_options import check_free
from fastphash.cli.hash_names import ReadOptions, named_options
from fastphash.cli.option_groups import gather
from fastphash.cli.option_values import FILE_OR_FOLDER
from fastphash.cli.signals import handle_signals
from fastphash.errors import UsageError


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=FILE_OR_FOLDER)
@click.option(
    "--as",
    "vouched",
    metavar="imagehash[:PASS_ORDER]|pdqhash|foreign:NAME",
    help="Vouch that ImageHash made the hashes, or pdqhash of Pillow's pixels, so that they can be "
    "joined with hashes made here. PASS_ORDER says which Pillow ImageHash used: up to 12.1 "
    "(horizontal), 12.2 or 12.3 (pillow12.2), or 13 (pillow13, the default). Or give a NAME to "
    "another way of making hashes: only stores with the same one are joined.",
)
@named_options(
    "Hashes of a table that the store gets, or the one that another file holds; or the hash that "
    "is written, of those that a store has.",
    "NAME,...",
)
@click.option(
    "--split", default=None, metavar="NAME", help="Name of the split.  [default: the file's name]"
)
@click.option(
    "--augmented",
    is_flag=True,
    help="Write six orientations of each image to JSON, or all eight to a line of PDQ.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@gather(reading=ReadOptions)
def convert(
    source: str,
    target: Path,
    vouched: str | None,
    reading: ReadOptions,
    split: str | None,
    augmented: bool,
    overwrite: bool,
) -> None:
    """Convert hash files of other tools to stores, and stores to theirs.

    To make a store: IN is JSON as imagededup or the paper's compute_hashes.py or
    compute_hashes_augmented.py writes it, lines of PDQ as ThreatExchange's pdq-photo-hasher prints
    them, or a table with path and hashes (Parquet, CSV or JSON lines), and OUT is a new store. To
    make a file: IN is a store, and OUT a .json file, or .txt for lines of PDQ.

    \b
    Examples:
      fastphash convert hashes_train.json train --as imagehash:horizontal
      fastphash convert coyo.parquet coyo --columns path=url,phash=image_phash
      fastphash convert hashes@train hashes_train.json
      fastphash convert hashes@train hashes_train.txt --hash pdq
    """
    handle_signals()
    path = Path(source)
    if not path.exists() and "@" not in source:
        raise UsageError(f"no such file or store: {source!r}")
    if path.is_file():
        _make_store(path, target, vouched, split, reading)
        return
    if vouched or split or reading.columns:
        raise UsageError("--as, --columns and --split are for files that become stores")
    _make_file(source, target, reading, augmented=augmented, overwrite=overwrite)


def _make_store(
    path: Path, target: Path, vouched: str | None, split: str | None, reading: ReadOptions
) -> None:
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.base.text import count, listed
    from fastphash.files.table_formats import ENDINGS
    from fastphash.hashing.definition import parse_definition
    from fastphash.store.imports import import_hashes
    from fastphash.store.store import open_store
    from fastphash.store.threatexchange import LINES_ENDING

    if target.suffix.lower() in (*ENDINGS, LINES_ENDING):
        raise UsageError(
            f"{path.name!r} becomes a store, which is a folder: {target.name!r} names a file"
        )
    definition = parse_definition(vouched) if vouched else None
    with ProgressScreen() as progress:
        imported = import_hashes(
            path,
            target,
            split=split,
            definition=definition,
            columns=reading.columns,
            algorithms=reading.algorithms,
            progress=progress,
        )
    store = open_store(target)
    words = ", ".join(map(str, (store.definition, *(f"{n} too" for n in imported.algorithms[1:]))))
    click.echo(f"{count(imported.rows, 'image')} to {target}, hashes {words}")
    if imported.left and reading.hash is None:
        every = ",".join([*imported.algorithms, *imported.left])
        click.echo(f"{path} also has {listed(imported.left)}: --hash {every} takes all", err=True)
    _say_rejected(store.rejected().num_rows, target)


def _make_file(
    source: str, target: Path, reading: ReadOptions, *, augmented: bool, overwrite: bool
) -> None:
    from fastphash.base.text import count, listed
    from fastphash.store.convert import export_hashes
    from fastphash.store.open import read_hashes
    from fastphash.store.threatexchange import LINES_ENDING, write_pdq_lines

    write = {".json": export_hashes, LINES_ENDING: write_pdq_lines}.get(target.suffix.lower())
    if write is None:
        raise UsageError(
            f"a store is converted to a .json file, or to {LINES_ENDING} of PDQ, "
            f"not to {target.name!r}"
        )
    names = reading.algorithms
    if len(names) > 1:
        raise UsageError(
            f"{target.name} holds one hash of each image: --hash names one, not {listed([*names])}"
        )
    rows = read_hashes(source, algorithm=reading.algorithm)
    check_free(target, overwrite=overwrite)
    entries = write(rows, target, augmented=augmented, overwrite=overwrite)
    written = rows.algorithm.name
    click.echo(f"{count(entries, 'entry', 'entries')} to {target}, hashes {written}")
    if (left := [name for name in rows.algorithms if name != written]) and reading.hash is None:
        click.echo(f"{source} also has {listed(left)}: --hash names another", err=True)


def _say_rejected(rows: int, store: Path) -> None:
    if rows:
        from fastphash.base.text import count
        from fastphash.cli.next_steps import shell_word

        listing = f"fastphash info {shell_word(store)} --rejected rejected.csv"
        click.echo(f"{count(rows, 'row')} without a hash: {listing} lists them", err=True)
