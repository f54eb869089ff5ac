"""How fast are loose objects of a bucket hashed, if each answer takes 30 ms?

A server on 127.0.0.1 answers as S3 does, each request after 30 ms, from a process of its own on the
same cores. JPEGs of 300 x 300 pixels lie there as objects. A bare client fetches them with obstore
and drops them: so fast is the server at least. Whole commands hash them with two workers into new
stores, and the same files from the disk. All run in turn; the start of a command is the time that
one object takes. Requests are those for objects, as the server counts them.
"""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_crops
from benchmarks.support.processes import time_fastphash
from benchmarks.support.timing import SPREAD, spread, time_in_turn
from fastphash.sources.remote.client import fetch, list_objects
from tests.support.object_server import ObjectServer

_BARE, _OBJECTS, _FILES, _ONE = "bare client", "objects", "files", "one object"
_AT_ONCE = 96


def main() -> None:
    parser = make_parser(__doc__, count=20_000, rounds=3, warmed=True)
    parser.add_argument(
        "--delay", type=float, default=30, help="milliseconds (default: %(default)s)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = write_crops(folder / "images" / "all", arguments.photos, arguments.count)
        one = folder / "images" / "one"
        one.mkdir()
        shutil.copy(images[0], one / "1.jpg")
        with serving(folder / "images", arguments.delay / 1000) as server:
            compare(folder, server, len(images), arguments.rounds)


def compare(folder: Path, server: "Server", count: int, rounds: int) -> None:
    """Print a table of objects a second, and of requests for each."""
    hash_into = partial(time_hashing, folder / "store")
    seconds = time_in_turn(
        {
            _ONE: partial(hash_into, "s3://bucket/one"),
            _BARE: partial(fetch_all, b"s3://bucket/all", count),
            _OBJECTS: partial(hash_into, "s3://bucket/all"),
            _FILES: partial(hash_into, str(folder / "images" / "all")),
        },
        rounds,
    )
    server.count_requests()
    hash_into("s3://bucket/all")
    requests = server.count_requests()
    start = min(seconds[_ONE])
    rows = []
    for name in (_BARE, _OBJECTS, _FILES):
        less = 0 if name == _BARE else start
        rates = [count / (took - less) if took > less else 0.0 for took in seconds[name]]
        whole = [count / took for took in seconds[name]]
        each = f"{requests / count:.2f}" if name == _OBJECTS else ""
        rows.append((name, spread(rates, ",.0f"), spread(whole, ",.0f"), each))
    header = (f"{count:,} JPEGs", f"a second, less the start: {SPREAD}", "with the start")
    print_table((*header, "requests for each"), rows)


def fetch_all(place: bytes, count: int) -> None:
    """Fetch all objects, and do nothing with them."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        listed = [place + b"/" + path for path, _ in list_objects(place)]
        fetched = sum(len(found.data) > 0 for found in threads.map(fetch, listed))
    if fetched != count:
        raise SystemExit(f"{fetched:,} of {count:,} objects were fetched")


def time_hashing(store: Path, place: str) -> None:
    """Hash into a new store."""
    shutil.rmtree(store, ignore_errors=True)
    time_fastphash("hash", f"images={place}", "-o", str(store), "--workers", "2")


class Server(NamedTuple):
    """A server in a process of its own."""

    pipe: Connection

    def count_requests(self) -> int:
        """How many objects were asked for since the last time."""
        self.pipe.send("count")
        return int(self.pipe.recv())


@contextmanager
def serving(folder: Path, delay: float) -> Iterator[Server]:
    """A server that has a folder as a bucket, and that the environment names."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(folder, delay, theirs), daemon=True)
    process.start()
    os.environ.update(ours.recv())
    try:
        yield Server(ours)
    finally:
        ours.send("")
        process.join()


def serve(folder: Path, delay: float, pipe: Connection) -> None:
    """Serve until there is an empty message."""
    with ObjectServer(delay=delay) as server:
        server.put_folder(folder, "bucket")
        pipe.send(server.environment)
        while pipe.recv():
            pipe.send(server.count("GET"))
            server.requests.clear()


if __name__ == "__main__":
    main()
