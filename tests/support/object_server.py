"""A server on 127.0.0.1 that answers as S3 does, with delays and failures as they are asked for."""

import asyncio
import contextlib
import hashlib
import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from fastphash.sources.open_containers import close_containers
from fastphash.sources.remote import client

Headers = dict[str, str]
#: Status, headers and body.
Answer = tuple[int, Headers, bytes]

ACCESS_KEY = "test-key"
_ERROR = '<?xml version="1.0"?><Error><Code>{0}</Code><Message>{0}</Message></Error>'
_CHANGED = "Mon, 30 Nov 2026 12:00:00 GMT"


@contextlib.contextmanager
def serving(**options: Any) -> Iterator["ObjectServer"]:
    """A server that this process takes for S3, and that doesn't keep it waiting for another try."""
    with ObjectServer(**options) as server, mock.patch.dict(os.environ, server.environment):
        quick = {
            "init_backoff": timedelta(milliseconds=1),
            "max_backoff": timedelta(milliseconds=9),
        }
        with mock.patch.dict(client.RETRIES, backoff={**quick, "base": 2}):
            client._opened.cache_clear()
            yield server
            client._opened.cache_clear()
            close_containers()


@dataclass
class ObjectServer:
    """Buckets in memory; a context that serves them from a thread of its own.

    Attributes
    ----------
    objects : dict of str to bytes
        By bucket and key, with a slash between.
    delay : float
        Seconds before each answer.
    failing : float
        Share of requests that get a 503, no answer, or half of one.
    page : int
        Most objects of one list.
    broken : set of str
        Objects for which there are 503s only.
    silent : set of str
        Objects for which nothing is ever answered.
    refuse_lists_after : int or None
        How many lists are answered; others get a 503.
    requests : list of (str, str)
        Method and path of each request that came.
    failed : int
        How many of them were among the `failing`.
    """

    objects: dict[str, bytes] = field(default_factory=dict, repr=False)
    delay: float = 0.0
    failing: float = 0.0
    page: int = 1000
    broken: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    refuse_lists_after: int | None = None
    requests: list[tuple[str, str]] = field(default_factory=list, repr=False)
    failed: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        self._random = random.Random(7)
        self._etags: dict[str, tuple[bytes, str]] = {}
        self.transports: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        started = threading.Event()

        async def listen() -> None:
            connect = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
            self._server = await connect
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()

        self._loop.create_task(listen())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        async def close() -> None:
            self._server.close()
            for transport in self.transports:
                transport.abort()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def put_folder(self, folder: Path, place: str) -> None:
        """Hold the files of a folder below a place: a bucket and a prefix."""
        for path in folder.rglob("*"):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                self.objects[f"{place}/{name}"] = path.read_bytes()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which programs find it, and are known to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def count(self, method: str) -> int:
        """How many requests of a method asked for an object."""
        return sum(one == method and "list-type" not in path for one, path in self.requests)

    def answer(self, method: str, target: str, headers: Headers) -> Answer | None:
        """Status, headers and body; None to close the connection, half a body with "cut"."""
        self.requests.append((method, target))
        if self._random.random() < self.failing:
            self.failed += 1
            how = self._random.choice(("503", "close", "cut"))
            if how == "503":
                return _error(503, "SlowDown")
            if how == "close":
                return None
            status, more, body = self._answer(target, headers)
            return status, {**more, "cut": ""}, body
        return self._answer(target, headers)

    def _answer(self, target: str, headers: Headers) -> Answer:
        parts = urlsplit(target)
        path, query = unquote(parts.path).strip("/"), parse_qs(parts.query)
        signed = headers.get("authorization", "")
        if "x-amz-date" in headers and f"Credential={ACCESS_KEY}/" not in signed:
            return _error(403, "InvalidAccessKeyId")
        if "list-type" in query:
            return self._list(path, query)
        if path not in self.objects:
            return _error(404, "NoSuchKey")
        if path in self.broken:
            return _error(503, "SlowDown")
        return self._object(path, headers)

    def _object(self, path: str, headers: Headers) -> Answer:
        body, status = self.objects[path], 200
        more = {"ETag": self.etag(path), "Last-Modified": _CHANGED, "Accept-Ranges": "bytes"}
        if headers.get("if-match", more["ETag"]) != more["ETag"]:
            return _error(412, "PreconditionFailed")
        if "range" in headers:
            first, _, last = headers["range"].removeprefix("bytes=").partition("-")
            size, start = len(body), int(first)
            if start >= size:
                return _error(416, "InvalidRange")
            end = min(int(last) + 1, size) if last else size
            more["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            body, status = body[start:end], 206
        return status, more, body

    def etag(self, path: str) -> str:
        """The ETag of an object: of its bytes, made once."""
        body = self.objects[path]
        known = self._etags.get(path)
        if known is None or known[0] is not body:
            digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
            known = self._etags[path] = body, f'"{digest}"'
        return known[1]

    def _list(self, bucket: str, query: dict[str, list[str]]) -> Answer:
        if self.refuse_lists_after is not None:
            if self.refuse_lists_after == 0:
                return _error(503, "SlowDown")
            self.refuse_lists_after -= 1
        prefix = query.get("prefix", [""])[0]
        after = query.get("continuation-token", query.get("start-after", [""]))[0]
        start = f"{bucket}/{prefix}"
        names = (name for name in self.objects if name.startswith(start))
        keys = sorted(name[len(bucket) + 1 :] for name in names)
        keys = [key for key in keys if key > after]
        shown, more = keys[: self.page], len(keys) > self.page
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-30T12:00:00.000Z"
            f"</LastModified><ETag>{escape(self.etag(f'{bucket}/{key}'))}</ETag>"
            f"<Size>{len(self.objects[f'{bucket}/{key}'])}</Size></Contents>"
            for key in shown
        )
        token = more and f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>"
        body = (
            f'<?xml version="1.0"?><ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}'
            f"</Prefix><KeyCount>{len(shown)}</KeyCount><IsTruncated>{str(more).lower()}"
            f"</IsTruncated>{token or ''}{items}</ListBucketResult>"
        )
        return 200, {"Content-Type": "application/xml"}, body.encode()


def _error(status: int, code: str) -> Answer:
    return status, {"Content-Type": "application/xml"}, _ERROR.format(code).encode()


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, without bodies."""

    def __init__(self, server: ObjectServer) -> None:
        self._server = server
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.transports.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._server.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while b"\r\n\r\n" in self._held:
            head, _, self._held = self._held.partition(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = line.split(" ", 2)
            pairs = (one.partition(":") for one in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            answer = self._server.answer(method, target, headers)
            if unquote(target).strip("/") in self._server.silent:
                continue
            if self._server.delay:
                loop = asyncio.get_running_loop()
                loop.call_later(self._server.delay, self._send, method, answer)
            else:
                self._send(method, answer)

    def _send(self, method: str, answer: Answer | None) -> None:
        if answer is None:
            self._transport.close()
            return
        status, headers, body = answer
        cut = "cut" in headers
        lines = [f"HTTP/1.1 {status} {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name != "cut"]
        head = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
        if method == "HEAD":
            body = b""
        self._transport.write(head + (body[: len(body) // 2] if cut else body))
        if cut:
            self._transport.close()
