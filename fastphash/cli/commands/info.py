"""`fastphash info`."""

import click

from fastphash.cli import options
from fastphash.cli.signals import handle_signals


@click.command("info")
@click.argument("store")
@options.json_option
def info(store: str, as_json: bool) -> None:
    """Show what is in a store and how its hashes were made."""
    from fastphash.cli.output import show_json
    from fastphash.cli.output_hash import show_store
    from fastphash.store.open import read_hashes, summarise_hashes

    handle_signals()
    contents = summarise_hashes(read_hashes(store, everything=True))
    if as_json:
        show_json(contents)
    else:
        show_store(store, contents)
