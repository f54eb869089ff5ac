"""Runs over containers that are killed at random moments, and what the next one makes of them."""

import random
import signal
import subprocess
import sys
import time

import pytest

from fastphash.store.store import open_store
from tests.support.containers import files_of, make_tar
from tests.support.scenes import scenes

# parts of few rows, so that many moments are between two of them
PROGRAM = """
import sys
from pathlib import Path
from fastphash.ingest import part_writer
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.named_splits import named_sources

if __name__ == "__main__":
    part_writer.PART_ROWS = 16
    hash_into(Path(sys.argv[2]), named_sources([sys.argv[1]]), IngestOptions(workers=2))
"""
KILLS = 12


def started(program, *arguments):
    return subprocess.Popen([sys.executable, program, *arguments])


def store_bytes(store):
    return {path.name: path.read_bytes() for path in store.iterdir() if path.name != "_lock"}


@pytest.mark.slow
def test_60_killed_while_hashing_containers(tmp_path):
    rng = random.Random(13)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    files = files_of(scenes(tmp_path / "in", range(240)))
    for shard in range(8):
        make_tar(tmp_path / "sh" / f"{shard}.tar", files[30 * shard : 30 * shard + 30])
    split = f"train={tmp_path}/sh/{{0..7}}.tar"
    begun = time.monotonic()
    assert started(program, split, tmp_path / "undisturbed").wait() == 0
    seconds = time.monotonic() - begun
    store = tmp_path / "killed"
    interrupted = 0
    for _ in range(KILLS):
        process = started(program, split, store)
        time.sleep(seconds * rng.uniform(0.3, 1))
        process.kill()
        interrupted += process.wait() == -signal.SIGKILL
    assert interrupted
    assert started(program, split, store).wait() == 0
    assert store_bytes(store) == store_bytes(tmp_path / "undisturbed")
    assert len(open_store(store).parts) == 15
