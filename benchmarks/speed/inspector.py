"""How long do the inspector's pages take, and how much memory, for a million groups?

The inspector shows a synthetic audit; requests are timed from outside, connection included.
"""

import http.client
import re
import subprocess
import tempfile
import time
from email.message import Message
from http.cookies import SimpleCookie
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import numpy as np

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.processes import FASTPHASH, peak_memory
from benchmarks.support.synthetic_audit import DECISIONS, SPLITS, Codes, write_audit
from benchmarks.support.timing import SPREAD, spread
from fastphash.base.vocabulary import KINDS


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--groups", type=positive_number, default=1_000_000)
    parser.add_argument(
        "--rounds",
        type=positive_number,
        default=9,
        help="pages of each kind (default: %(default)s)",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        positions = write_audit(Path(name), arguments.groups)
        start = time.perf_counter()
        with RunningInspector(Path(name)) as inspector:
            seconds_to_start = time.perf_counter() - start
            paths = pages(arguments.groups, positions, arguments.rounds)
            rows = [
                (kind, spread([inspector.time_page(path) for path in some], ".0f") + " ms")
                for kind, some in paths.items()
            ]
            copies = copy_rows(positions, arguments.rounds)
            decisions = [inspector.time_decision(row) for row in copies]
            peak = inspector.peak_memory()
    rows += [
        (f"a decision, after {DECISIONS:,}", spread(decisions, ".0f") + " ms"),
        ("start", f"{seconds_to_start:.1f} s"),
        ("peak memory", f"{peak / 1e6:,.0f} MB"),
    ]
    print_table((f"{arguments.groups:,} groups, {positions.size:,} images", SPREAD), rows)


def pages(groups: int, positions: Codes, rounds: int) -> dict[str, list[str]]:
    """Paths of each kind of page. No filter occurs twice, so that no answer is cached."""
    last = -(-groups // 25)
    some = np.linspace(0, groups - 1, rounds).astype(int).tolist()
    turns = range(rounds)
    return {
        "first page": ["/"] * rounds,
        "last page": [f"/?page={last}"] * rounds,
        "pages in between": [f"/?page={i // 25 + 1}" for i in some],
        "by kind": [f"/?kind={KINDS[i % 4]}&most={i}" for i in turns],
        "by split": [f"/?split={SPLITS[i % 2]}&most={i}" for i in turns],
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
        "a pair": [f"/pair/{row}" for row in copy_rows(positions, rounds)],
    }


def copy_rows(positions: Codes, count: int) -> list[int]:
    """Rows of copies, evenly spread."""
    copies = np.flatnonzero(positions)
    chosen: list[int] = copies[np.linspace(0, copies.size - 1, count).astype(int)].tolist()
    return chosen


class Answer(NamedTuple):
    """The server's answer to one request."""

    status: int
    headers: Message
    text: str


class RunningInspector:
    """The inspector of an audit, running in a process of its own."""

    def __init__(self, out: Path) -> None:
        self._process = subprocess.Popen(
            [*FASTPHASH, "inspect", str(out), "--port", "0", "--no-browser"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        url = urlsplit(self._process.stdout.readline().strip())
        assert url.hostname, "the inspector didn't start"
        self._connection = http.client.HTTPConnection(url.hostname, url.port or 80)
        self._headers = {"Origin": f"http://{url.netloc}"}
        self._base = ""
        cookie = SimpleCookie(self._ask("GET", f"/?{url.query}").headers["Set-Cookie"])
        (ours,) = cookie.values()
        self._headers["Cookie"] = f"{ours.key}={ours.value}"
        self._base = ours["path"].rstrip("/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.communicate()

    def _ask(self, method: str, path: str, body: str | None = None) -> Answer:
        self._connection.request(method, self._base + path, body, self._headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())

    def time_page(self, path: str, method: str = "GET", body: str | None = None) -> float:
        """Milliseconds of a request."""
        start = time.perf_counter()
        response = self._ask(method, path, body)
        took = (time.perf_counter() - start) * 1000
        assert response.status in (200, 303), (path, response.status)
        return took

    def time_decision(self, row: int) -> float:
        """Milliseconds of a decision about a pair."""
        page = self._ask("GET", f"/pair/{row}")
        token = re.search(r'name="token" value="([^"]+)"', page.text)
        assert token
        return self.time_page("/decide", "POST", f"token={token[1]}&row={row}&decision=copies")

    def peak_memory(self) -> int:
        """Highest resident memory so far, in bytes."""
        return peak_memory(self._process.pid)


if __name__ == "__main__":
    main()
