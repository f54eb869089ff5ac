"""How long does a page of the inspector take, of how many groups, and in how much memory?

The command serves a synthetic audit; what it answers is timed from outside, connection included.
"""

import argparse
import http.client
import re
import statistics
import subprocess
import sys
import tempfile
import time
from email.message import Message
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import common
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash import tables
from fastphash.audited import GROUPS, HASHES, LEAKS, REJECTED, SUMMARY
from fastphash.decisions import Decision, Image, decide
from fastphash.results import GROUPS_SCHEMA, LEAKS_SCHEMA, ROLES, coded, relation_columns
from fastphash.store import (
    PART_ROWS,
    REJECTED_SCHEMA,
    Definition,
    Layout,
    create_store,
    open_store,
)
from fastphash.verify import Relation
from fastphash.words import IDENTICAL, KINDS, NEAR, ORIENTATIONS

_SPLITS = ("train", "val")
_DECIDED = 5000

Codes = NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9, help="pages of each sort")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = synthesize(Path(name), arguments.groups)
        began = time.perf_counter()
        with Served(Path(name)) as served:
            started = time.perf_counter() - began
            timed = [
                (what, spread([served.milliseconds(path) for path in paths]))
                for what, paths in pages(arguments.groups, rows, arguments.rounds).items()
            ]
            deciding = [served.decide(row) for row in copies_of(rows, arguments.rounds)]
            peak = served.peak()
    common.table(
        (f"{arguments.groups:,} groups, {rows.size:,} images", "median (least to most)"),
        [
            *timed,
            (f"a decision, after {_DECIDED:,}", spread(deciding)),
            ("start", f"{started:.1f} s"),
            ("memory at its peak", f"{peak / 1e6:,.0f} MB"),
        ],
    )


def synthesize(out: Path, groups: int) -> Codes:
    """Write an audit; returns the place of each row in its group, 0 for keepers.

    Nine groups in ten have two images, the others more; the first has a thousandth of all.
    """
    rng = np.random.default_rng(0)
    sizes = rng.choice([2, 3, 4, 8], groups, p=[0.9, 0.06, 0.03, 0.01])
    sizes[0] = max(groups // 1000, 4)
    starts = np.cumsum(sizes) - sizes
    group = np.repeat(np.arange(groups), sizes)
    place: Codes = np.arange(group.size) - starts[group]
    split = rng.integers(0, len(_SPLITS), group.size)
    paths = [f"class_{i % 997:03d}/photo_{i:08d}.jpg" for i in range(group.size)]
    digests = write_store(out / HASHES, split, paths, rng)
    write_groups(out / GROUPS, group, place, split, paths, rng)
    tables.write_table(out / LEAKS, LEAKS_SCHEMA.empty_table())
    tables.write_table(out / REJECTED, REJECTED_SCHEMA.empty_table())
    store = open_store(out / HASHES)
    summary = {"splits": {name: {} for name in _SPLITS}, "store": store.digest, "min_score": 0.5}
    tables.write_json(out / SUMMARY, summary)
    images = [
        Image(_SPLITS[split[row]], paths[row].encode(), digests[row].tobytes())
        for row in np.flatnonzero(place[: 2 * _DECIDED + 2] < 2).tolist()
    ]
    pairs = list(zip(images[0::2], images[1::2], strict=False))[1:_DECIDED]
    decide(out, *(Decision("not_copies", pair) for pair in pairs))
    return place


def write_store(
    path: Path, split: Codes, paths: list[str], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Hashes of images that there aren't; returns their digests."""
    store = create_store(path, Definition(), Layout(orientations=False, thumbnails=False))
    digests = rng.integers(0, 256, (len(paths), 16), np.uint8)
    for start in range(0, len(paths), PART_ROWS):
        some = slice(start, start + PART_ROWS)
        n = len(paths[some])
        columns = {
            "split": coded(split[some], _SPLITS),
            "path": paths[some],
            "path_bytes": pa.nulls(n),
            "size": np.full(n, 54321),
            "mtime_ns": np.zeros(n, np.int64),
            "digest": [digest.tobytes() for digest in digests[some]],
            "format": ["JPEG"] * n,
            "width": np.full(n, 640),
            "height": np.full(n, 480),
            "multiframe": np.zeros(n, np.bool_),
            "phash": rng.integers(0, 1 << 63, n, np.uint64),
        }
        table = pa.table(columns).cast(store.schema)
        store.parts.append(store.write_part(table, store.new_part_name()))
    store.roots = {name: str(path.parent / name) for name in _SPLITS}
    store.unfinished = []
    store.save()
    return digests


def write_groups(
    path: Path,
    group: Codes,
    place: Codes,
    split: Codes,
    paths: list[str],
    rng: np.random.Generator,
) -> None:
    n = group.size
    keeper = place == 0
    kind = rng.integers(IDENTICAL, NEAR + 1, n)
    columns = [
        pa.array(group),
        coded(split, _SPLITS),
        pa.array(paths),
        coded((~keeper).astype(np.int32), ROLES),
        *relation_columns(
            Relation(
                kind.astype(np.uint8),
                np.where(kind == NEAR, rng.integers(1, 5, n), 0).astype(np.uint8),
                rng.integers(0, len(ORIENTATIONS), n).astype(np.uint8),
                rng.random(n, np.float32),
                np.zeros(n, np.uint8),
                np.zeros(n, np.float32),
            ),
            keeper,
        ),
        pa.nulls(n, pa.binary()),
    ]
    tables.write_table(path, pa.table(columns, schema=GROUPS_SCHEMA))


def pages(groups: int, rows: Codes, rounds: int) -> dict[str, list[str]]:
    """Pages of each sort; no filter comes twice, so that none is remembered."""
    last = -(-groups // 25)
    some = np.linspace(0, groups - 1, rounds).astype(int).tolist()
    turns = range(rounds)
    return {
        "first page": ["/"] * rounds,
        "last page": [f"/?page={last}"] * rounds,
        "pages in between": [f"/?page={i // 25 + 1}" for i in some],
        "by kind": [f"/?kind={KINDS[i % 4]}&most={i}" for i in turns],
        "by split": [f"/?split={_SPLITS[i % 2]}&most={i}" for i in turns],
        "by distance": [f"/?least={i % 4}&most={i % 4 + i}" for i in turns],
        "by name": [f"/?name={i}5.JPG" for i in turns],
        "by name, its last page": [f"/?name={i}5.JPG&page={last}" for i in turns],
        "across splits": [f"/?leaks=1&most={i}" for i in turns],
        "undecided": [f"/?undecided=1&page={i + 1}" for i in turns],
        "by size": [f"/?order=size&most={i}" for i in turns],
        "by distance, furthest first": [f"/?order=distance&most={i}" for i in turns],
        "by score": [f"/?order=score&most={i}" for i in turns],
        "all filters": [
            f"/?kind=near&split=val&least=1&most=4&leaks=1&undecided=1&order=score&name={i}.j"
            for i in turns
        ],
        "a group": [f"/group/{i}" for i in some],
        "a group, filtered": [f"/group/{i}?leaks=1&order=score" for i in some],
        "the largest group": ["/group/0?page=3"] * rounds,
        "a pair": [f"/pair/{row}" for row in copies_of(rows, rounds)],
    }


def copies_of(rows: Codes, count: int) -> list[int]:
    """Rows of copies, spread over all."""
    copies = np.flatnonzero(rows)
    chosen: list[int] = copies[np.linspace(0, copies.size - 1, count).astype(int)].tolist()
    return chosen


def spread(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f})"


class Answer(NamedTuple):
    """What the server says to one request."""

    status: int
    headers: Message
    text: str


class Served:
    """The inspector of an audit, in a process of its own."""

    def __init__(self, out: Path) -> None:
        words = ["inspect", str(out), "--port", "0", "--no-browser"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fastphash", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        url = urlsplit(self._process.stdout.readline().strip())
        assert url.hostname, "the inspector didn't start"
        self._connection = http.client.HTTPConnection(url.hostname, url.port or 80)
        self._headers = {"Origin": f"http://{url.netloc}"}
        cookie = SimpleCookie(self._ask("GET", f"/?{url.query}").headers["Set-Cookie"])
        self._headers["Cookie"] = "; ".join(f"{m.key}={m.value}" for m in cookie.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.communicate()

    def _ask(self, method: str, path: str, body: str | None = None) -> "Answer":
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())

    def milliseconds(self, path: str, method: str = "GET", body: str | None = None) -> float:
        """How long it takes to get a page."""
        began = time.perf_counter()
        response = self._ask(method, path, body)
        took = (time.perf_counter() - began) * 1000
        assert response.status in (200, 303), (path, response.status)
        return took

    def decide(self, row: int) -> float:
        """How long it takes to decide about a pair."""
        page = self._ask("GET", f"/pair/{row}")
        token = re.search(r'name="token" value="([^"]+)"', page.text)
        assert token
        return self.milliseconds("/decide", "POST", f"token={token[1]}&row={row}&decision=copies")

    def peak(self) -> int:
        """Bytes of resident memory at the process's peak (Linux)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


if __name__ == "__main__":
    main()
