"""`fastphash convert`."""

from pathlib import Path

import click

from fastphash.cli.file_options import check_free
from fastphash.cli.option_values import FILE_OR_FOLDER
from fastphash.cli.signals import handle_signals
from fastphash.errors import UsageError


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=FILE_OR_FOLDER)
@click.option(
    "--as",
    "vouched",
    metavar="imagehash[:PASS_ORDER]",
    help="Vouch that ImageHash made the hashes, so that they can be joined with hashes made here. "
    "PASS_ORDER says which Pillow it used: up to 12.1 (horizontal), 12.2 or 12.3 (pillow12.2), or "
    "13 (pillow13, the default).",
)
@click.option(
    "--split", default=None, metavar="NAME", help="Name of the split.  [default: the file's name]"
)
@click.option("--augmented", is_flag=True, help="Write six orientations of each image to JSON.")
@click.option("--overwrite", is_flag=True, help="Replace a JSON file that exists.")
def convert(
    source: str,
    target: Path,
    vouched: str | None,
    split: str | None,
    augmented: bool,
    overwrite: bool,
) -> None:
    """Convert hash files of other tools to stores, and stores to theirs.

    To make a store: IN is JSON as the paper's compute_hashes.py or compute_hashes_augmented.py
    writes it, or a Parquet file with path and phash, and OUT is a new store. To make JSON: IN is a
    store, and OUT a .json file.

    \b
    Examples:
      fastphash convert hashes_train.json train --as imagehash:horizontal
      fastphash convert hashes@train hashes_train.json
    """
    from fastphash.base.text import count
    from fastphash.files.table_formats import ENDINGS
    from fastphash.hashing.definition import FOREIGN, parse_definition
    from fastphash.store.convert import export_hashes, import_hashes
    from fastphash.store.open import read_hashes

    handle_signals()
    path = Path(source)
    if not path.exists() and "@" not in source:
        raise UsageError(f"no such file or store: {source!r}")
    if path.is_file():
        if target.suffix.lower() in ENDINGS:
            raise UsageError(
                f"{path.name!r} becomes a store, which is a folder: {target.name!r} names a file"
            )
        definition = parse_definition(vouched) if vouched else FOREIGN
        images = import_hashes(path, target, split=split, definition=definition)
        click.echo(f"{count(images, 'image')} to {target}, hashes {definition}")
        return
    if target.suffix.lower() != ".json":
        raise UsageError(f"a store is converted to a .json file, not to {target.name!r}")
    if vouched or split:
        raise UsageError("--as and --split are for files that become stores")
    rows = read_hashes(source)
    check_free(target, overwrite=overwrite)
    entries = export_hashes(rows, target, augmented=augmented, overwrite=overwrite)
    click.echo(f"{count(entries, 'entry', 'entries')} to {target}")
