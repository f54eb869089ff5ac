"""Runs that faults are provoked in, and what is left of them."""

import os
import subprocess
from pathlib import Path
from unittest import mock

from fastphash.base.progress import no_progress
from fastphash.ingest import part_writer
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.pool import recipe_of
from fastphash.ingest.worker import Hasher
from fastphash.sources.local import folder_source
from fastphash.store.store import open_store
from tests.support.command_line import command, screen
from tests.support.scenes import source
from tests.support.stores import read_store


class _Alone:
    """Hashes images one by one in the process that writes."""

    def __init__(self, options):
        self._hasher = Hasher(recipe_of(options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, tasks):
        for reader, paths, known in tasks:
            yield from (self._hasher.hash_files(reader, [path], known) for path in paths)


def update_here(store, *folders):
    """Hash folders into a store in parts of five rows, in this process; the tallies."""
    sources = [folder_source(str(folder)) for folder in folders]
    with mock.patch.object(part_writer, "PART_ROWS", 5):
        return hash_into(Path(store), sources, start_executor=_Alone)


def outcome(folder, progress=no_progress, **options):
    """Paths that got a hash and reasons of those that got none; all inputs are accounted for."""
    store = folder.parent / "hashes"
    options = IngestOptions(**{"workers": 1} | options)
    tally = hash_into(store, [source("all", folder)], options, progress=progress)["all"]
    rejected = {
        row["path"]: f"{row['stage']}: {row['reason']}"
        for row in open_store(store).rejected().to_pylist()
    }
    rows = read_store(store).to_pylist()
    assert tally.inputs == len(rows) + len(rejected) + tally.skipped - tally.missing
    return {row["path"]: row for row in rows}, rejected


def contents(store):
    """Everything in a store that two runs may be compared by."""
    return {path.name: path.read_bytes() for path in store.iterdir() if path.name != "_lock"}


def unprivileged(*arguments, cwd):
    """Run fastphash as a user for whom permissions count: root without the right to ignore them."""
    words = command(*arguments)
    if os.geteuid() == 0:
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    done = subprocess.run(
        words, cwd=cwd, env=screen(), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in done.stderr
    return done
