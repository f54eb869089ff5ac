"""`fastphash hash`."""

from functools import partial
from pathlib import Path

import click

from fastphash.cli import options
from fastphash.cli.engine_options import EngineOptions, engine_options
from fastphash.cli.option_groups import HashOptions, SplitOptions, gather
from fastphash.cli.signals import handle_signals


@click.command("hash")
@options.split_options
@options.folder_option(
    "STORE",
    "Folder for the hashes. In a store that exists, only new and changed images are hashed.",
)
@options.hash_options
@engine_options
@options.json_option
@gather(splits=SplitOptions, hashing=HashOptions, engine=EngineOptions)
def hash_(
    splits: SplitOptions, out: Path, hashing: HashOptions, engine: EngineOptions, as_json: bool
) -> None:
    """Hash images into a store of Parquet files.

    A PLACE is a folder; a tar, tar.gz, zip or Parquet file with images; or several of these files:
    a pattern in quotes, or a name of a split that is given more than once. It may be an address:
    s3://BUCKET/FOLDER, gs://, abfs://, or of such a file also https://.

    \b
    Examples:
      fastphash hash train=data/train -o hashes
      fastphash hash 'train=shards/{000000..000146}.tar' -o hashes
      fastphash hash train=s3://bucket/train -o hashes
    """
    engine.check(workers=hashing.workers)
    sources = splits.sources()
    engine.start_early()
    from dataclasses import asdict

    from fastphash.audits.checks import check_images
    from fastphash.audits.summary import count_reasons
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_hash import show_hashed
    from fastphash.ingest.api import hash_into
    from fastphash.store.cleanup import has_work, removed_if_unused
    from fastphash.store.store import open_store

    handle_signals(partial(has_work, out))
    with removed_if_unused(out):
        with ProgressScreen() as progress, engine.started(progress) as started:
            tallies = hash_into(
                out,
                sources,
                hashing.ingest(),
                progress=progress,
                start_executor=partial(started.start_executor, out),
            )
        rejected = open_store(out).rejected()
        if as_json:
            show_json({split: asdict(tally) for split, tally in tallies.items()})
        else:
            missing = hashing.keep_missing
            show_hashed(tallies, rejected, count_reasons(rejected), out, missing=missing)
        check_images(sources, tallies, rejected)
