"""Clients of the inspector that hold connections, say half of something, or say it all the time."""

import contextlib
import logging
import re
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlencode

import pytest

from fastphash.inspector import connections
from fastphash.inspector.access import Access
from tests.support.audits import pair, write_audit
from tests.support.decisions import read_decisions
from tests.support.inspector_client import Served


@pytest.fixture
def out(tmp_path):
    return write_audit(tmp_path, [[pair("train", b"0.png"), pair("train", b"1.png")]])


@contextlib.contextmanager
def held(served, count, said=b""):
    """So many connections that say something and then wait."""
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(stack.enter_context(socket.create_connection(("127.0.0.1", served.port))))
            made[-1].sendall(said)
        yield made


def is_cut(connection, seconds=30):
    """Whether the server closes a connection, whatever it says before."""
    connection.settimeout(seconds)
    with contextlib.suppress(ConnectionError):
        while connection.recv(1 << 20):
            pass
    return True


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n\r\n"])
def test_56_idle_connections_keep_nobody_out(out, said):
    most = connections.MOST_CONNECTIONS
    with Served(out) as served, held(served, most + 30, said) as made:
        assert served.get("/").status == 200
        assert all(is_cut(connection) for connection in made[:30])
        if b"\r\n\r\n" not in said:
            # the newest still wait
            assert not select.select(made[-50:], [], [], 0)[0]


HEAD = "Host: {netloc}\r\nCookie: {cookie}\r\nOrigin: {origin}\r\n"
LENGTH = "Content-Length: 10000\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "GET {base}/ HTTP/1.1\r\n",
        "GET {base}/ HTTP/1.1\r\n" + HEAD + "\r\nGET {base}/ HTTP/1.1\r\n",
        "POST {base}/decide HTTP/1.1\r\n" + HEAD + LENGTH + "token=",
        "POST {base}/decide HTTP/1.1\r\n" + HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\ntok",
        "POST {base}/decide HTTP/1.1\r\n" + HEAD + "Expect: 100-continue\r\n" + LENGTH,
        "POST /decide HTTP/1.1\r\n" + HEAD + LENGTH + "refused",
    ],
    ids=["nothing", "head", "second_head", "body", "chunk", "continue", "refused"],
)
def test_56_half_a_request_is_waited_for_no_longer(out, monkeypatch, said):
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    with Served(out) as served:
        said = said.format(**vars(served)).encode()
        with held(served, 1, said) as (connection,):
            assert is_cut(connection)
        assert served.get("/").status == 200


def test_56_who_takes_no_answers_is_cut(out, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    with Served(out) as served, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", served.port))
        asked = f"GET /static/inspector.css HTTP/1.1\r\nHost: {served.netloc}\r\n\r\n".encode()
        # the answers are more than the buffers of both sides hold
        connection.sendall(asked * (connections.MOST_AHEAD // len(asked)))
        for _ in range(600):
            time.sleep(0.05)
            if not served.connections:
                break
        assert not served.connections
        assert served.get("/").status == 200


def test_56_who_asks_without_end_is_cut(out):
    with Served(out) as served, held(served, 1) as (connection,):
        connection.settimeout(30)
        with pytest.raises(ConnectionError):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {served.netloc}\r\n\r\n".encode() * 10**6)
        assert served.get("/").status == 200


def test_46_half_a_form_decides_nothing(out):
    with Served(out) as served:
        body = urlencode({"token": served.get("/").token, "decision": "copies", "row": 1})
        head = f"POST {served.base}/decide HTTP/1.1\r\n" + HEAD + "Content-Length: {length}\r\n\r\n"
        head = head.format(**vars(served), length=len(body) + 1)
        with held(served, 1, (head + body).encode()) as (connection,):
            connection.shutdown(socket.SHUT_WR)
            assert is_cut(connection)
        assert "Nothing decided yet" in served.get("/").words
    assert read_decisions(out) == []


def test_56_clients_cannot_fill_the_terminal(out, caplog):
    with Served(out) as served:
        for said in (b"nonsense\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            for _ in range(5):
                served.raw(said)
        upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        served.raw(upgrade)
        assert caplog.records == []
        log = logging.getLogger("asyncio")
        for _ in range(5):
            log.error("no descriptors\nsocket: 1")
        log.error("something else")
    assert [record.getMessage() for record in caplog.records] == [
        "no descriptors",
        "something else",
    ]


class _Curious(BaseHTTPRequestHandler):
    """Another user's server: remembers the cookies that a browser brings."""

    seen: ClassVar[list] = []

    def do_GET(self):
        self.seen.append((self.path, self.headers["Cookie"], self.headers["Referer"]))
        self.send_response(200)
        # takes the name of our cookie, with a path that is ours too
        self.send_header("Set-Cookie", f"{self.server.taken}=other; Path=/")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>curious</title><a href='/again'>again</a>")

    def log_message(self, *_):
        pass


@pytest.fixture
def curious():
    """Such a server, on another port of this host."""
    _Curious.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Curious) as server:
        server.origin = f"http://127.0.0.1:{server.server_port}"
        server.seen = _Curious.seen
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_46_the_cookie_is_for_our_paths_alone(out):
    with Served(out) as served:
        first = served.ask("GET", f"/?{served.url.partition('?')[2]}", outside=True, Cookie=None)
        name, value = served.cookie.split("=")
        secrets = [served.url.partition("token=")[2], served.base[1:], value]
        assert len({*secrets, served.get("/").token}) == 4
        assert re.search(f"Path={served.base}/(;|$)", first.headers["Set-Cookie"])
        # nor is the path told to whoever has no cookie, or the cookie enough without the path
        for path in ("/", "/nothing", "/static/nothing", served.base, f"{served.base}/"):
            refused = served.ask("GET", path, outside=True, Cookie=None)
            assert refused.status in (403, 404)
            assert served.base[1:] not in refused.all_text
            assert not refused.headers["Location"]
        assert served.get("/", outside=True).status == 403
        assert served.get(f"/{served.base}/", outside=True).status == 403
        # whoever sets a cookie of our name keeps nobody out
        for both in (f"{name}=x; {served.cookie}", f"{served.cookie}; {name}=x; {name}"):
            assert served.get("/", Cookie=both).status == 200
        assert served.get("/", Cookie=f"other-{served.cookie}").status == 403
        assert served.get("/", Host="[", Cookie=None).status == 403


def test_46_servers_on_other_ports_get_no_cookie(out, curious, open_page):
    with Served(out) as served:
        curious.taken = Access("127.0.0.1", served.port).cookie
        page = open_page(served.url, origin="http://127.0.0.1")
        served.pages.append(page)
        page.wait_for_url(f"{served.home}/")
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        for path in ("/", "/group/0", "/static/", "/?token=x"):
            page.goto(curious.origin + path)
            page.get_by_text("again").click()
            page.wait_for_url(f"{curious.origin}/again")
        page.goto(f"{served.home}/pair/1")
        page.evaluate(f"location.href = '{curious.origin}/from_a_page'")
        page.wait_for_url(f"{curious.origin}/from_a_page")
        # their cookie has our name; ours is still let in
        page.goto(f"{served.home}/")
        assert page.title().endswith("fastphash inspect")
        said = str(curious.seen)
        assert "from_a_page" in said
        assert "other" in said
        for secret in (cookie["value"], served.base, served.url.partition("token=")[2]):
            assert secret not in said
