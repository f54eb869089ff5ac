"""What tests of the inspector need: audits made by hand, and the command serving them."""

import http.client
import re
import signal
import socket
import subprocess
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

import numpy as np
import pyarrow as pa
from helpers import command, screen, write_store

from fastphash import tables
from fastphash.results import GROUPS_SCHEMA
from fastphash.store import path_columns


def pair(split, path, kind="near", distance=2, orientation="identity", score=0.9, colour="same"):
    """An image of a group, and how it relates to its keeper."""
    return split, path, kind, distance, orientation, score, colour


def write_audit(out, groups, roots=None, **columns):
    """An audit of these groups: lists of what `pair` gives.

    Paths are bytes; of the keeper, which comes first, only split and path matter. `columns` are
    those of the store, a value for each image in order.
    """
    images = [(number, *image) for number, group in enumerate(groups) for image in group]
    split = [image[1] for image in images]
    path, exact = path_columns([image[2] for image in images])
    store = write_store(
        out / "hashes",
        {
            "split": split,
            "path": path,
            "path_bytes": exact,
            "size": pa.array([1] * len(images), pa.int64()),
            "mtime_ns": pa.array([0] * len(images), pa.int64()),
            "digest": pa.array([i.to_bytes(16) for i in range(len(images))], pa.binary(16)),
            "width": pa.array([64] * len(images), pa.int32()),
            "height": pa.array([48] * len(images), pa.int32()),
            **columns,
        },
    )
    names = list(dict.fromkeys(split)) or ["train"]
    store.roots = {name: str((roots or {}).get(name, out / name)) for name in names}
    store.unfinished = []
    store.save()
    keeper = np.array([i == 0 or images[i - 1][0] != images[i][0] for i in range(len(images))])

    def relation(field, kind):
        values = [None if k else image[field] for image, k in zip(images, keeper, strict=True)]
        return pa.array(values, kind)

    table = pa.table(
        [
            pa.array([image[0] for image in images], pa.int64()),
            pa.array(split, pa.string()),
            path,
            pa.array(["keeper" if k else "copy" for k in keeper], pa.string()),
            relation(3, pa.string()),
            relation(4, pa.uint8()),
            relation(5, pa.string()),
            relation(6, pa.float32()),
            relation(7, pa.string()),
            pa.nulls(len(images), pa.float32()),
            exact,
        ],
        GROUPS_SCHEMA.names,
    )
    tables.write_table(out / "groups.parquet", table.cast(GROUPS_SCHEMA))
    splits = {name: {} for name in names}
    summary = {"splits": splits, "store": store.digest, "min_score": 0.5}
    tables.write_json(out / "summary.json", summary)
    return out


class Answer:
    """What the server said."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.data = response.read()

    @property
    def text(self):
        return self.data.decode()

    @property
    def words(self):
        """What a page says, without its markup."""
        reader = _Words()
        reader.feed(self.text)
        return re.sub(r"\s+", " ", "".join(reader.words))

    @property
    def links(self):
        return re.findall(r'<a href="([^"]+)"', self.text.replace("&amp;", "&"))

    @property
    def images(self):
        return re.findall(r'<img[^>]* src="([^"]+)"', self.text.replace("&amp;", "&"))

    @property
    def token(self):
        """The secret of its forms."""
        return re.search(r'name="token" value="([^"]+)"', self.text)[1]


class _Words(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words = []

    def handle_data(self, data):
        self.words.append(data)


class Served:
    """fastphash inspect as a process of its own."""

    def __init__(self, out, *options):
        self.process = subprocess.Popen(
            command("inspect", str(out), "--no-browser", *(options or ("--port", "0"))),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=screen(),
            text=True,
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.process.communicate()[1]
        # in browsers; closed before the server ends, for what they still load would fail
        self.pages = []
        parts = urlsplit(self.url)
        self.netloc, self.port = parts.netloc, parts.port
        self.origin = f"http://{parts.netloc}"
        self.cookie = ""
        first = self.ask("GET", f"/?{parts.query}")
        self.cookie = first.headers["Set-Cookie"].split(";")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for page in self.pages:
            page.context.close()
        if self.process.poll() is None:
            self.stop()

    def ask(self, method, path, body=None, **headers):
        """One request on a connection of its own; headers with None aren't sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": self.netloc, "Cookie": self.cookie} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, **form):
        """What a form of ours sends; the token is that of the first page."""
        form = {"token": self.get("/").token} | form
        return self.ask("POST", path, urlencode(form).encode(), Origin=self.origin)

    def raw(self, data):
        """The status line of what is said to these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(data)
            with connection.makefile("rb") as file:
                return file.readline().decode()

    def stop(self):
        """End it as Ctrl-C does; returns its status and what it had to say."""
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=60)
        return self.process.returncode, *said
