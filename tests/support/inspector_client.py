"""The inspector, in this process or one of its own, and a client that asks it."""

import http.client
import re
import signal
import socket
import subprocess
import threading
from html.parser import HTMLParser
from unittest import mock
from urllib.parse import urlencode, urlsplit

import uvicorn

from fastphash.inspector.server import serve
from fastphash.results.audit_folder import open_audit
from tests.support.command_line import command, screen


class Answer:
    """What the server said; `base`, which its paths begin with, is left out of them."""

    def __init__(self, response, base=""):
        self.status = response.status
        self.headers = response.headers
        data = response.read()
        self.all_text = data.decode(errors="replace")
        self.data = data.replace(base.encode(), b"")
        if place := self.headers["Location"]:
            self.headers.replace_header("Location", place.replace(base, "", 1))

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


class _Client:
    """Asks an inspector, by its URL."""

    def __init__(self, url):
        self.url = url
        # in browsers; closed before the server ends, for what they still load would fail
        self.pages = []
        parts = urlsplit(self.url)
        self.netloc, self.port = parts.netloc, parts.port
        self.origin = f"http://{parts.netloc}"
        self.base = self.cookie = ""
        first = self.ask("GET", f"/?{parts.query}")
        self.cookie, *settings = first.headers["Set-Cookie"].split("; ")
        (path,) = (s.removeprefix("Path=") for s in settings if s.startswith("Path="))
        self.base = path.rstrip("/")
        self.home = self.origin + self.base

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for page in self.pages:
            page.context.close()
        self.stop()

    def stop(self):
        """End the server."""
        raise NotImplementedError

    def ask(self, method, path, body=None, *, outside=False, **headers):
        """One request on a connection of its own; headers with None aren't sent.

        The path goes on from that of the first page, unless it is `outside` or that of a static
        file.
        """
        base = "" if outside or path.startswith("/static/") else self.base
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": self.netloc, "Cookie": self.cookie} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        connection.putrequest(method, base + path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = Answer(connection.getresponse(), self.base)
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


class Served(_Client):
    """The inspector of an audit, in a thread of this process."""

    def __init__(self, out):
        made, urls, began = [], [], threading.Event()

        class Server(uvicorn.Server):
            def __init__(self, config):
                super().__init__(config)
                made.append(self)

        def ready(url):
            urls.append(url)
            began.set()

        def work():
            try:
                serve(open_audit(out), "127.0.0.1", 0, ready)
            finally:
                began.set()

        self._thread = threading.Thread(target=work)
        with mock.patch.object(uvicorn, "Server", Server):
            self._thread.start()
            began.wait()
        assert urls, "the inspector did not start"
        self._server = made[0]
        super().__init__(urls[0])

    @property
    def connections(self):
        """Those that the server holds open."""
        return self._server.server_state.connections

    def stop(self):
        self._server.should_exit = True
        self._thread.join()


class ServedProcess(_Client):
    """fastphash inspect as a process of its own, which takes a second: where that is the point."""

    def __init__(self, out, *options):
        self.process = subprocess.Popen(
            command("inspect", str(out), "--no-browser", *(options or ("--port", "0"))),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=screen(),
            text=True,
        )
        url = self.process.stdout.readline().strip()
        assert url, self.process.communicate()[1]
        super().__init__(url)

    def stop(self):
        """End it as Ctrl-C does; returns its status and what it had to say."""
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=60)
        return self.process.returncode, *said


#: File names that try to become markup, script, style, a link, a formula or another line.
HOSTILE = [
    b"<script>alert(1)</script>.png",
    b'"><img src=x onerror=alert(1)>.png',
    b"' onmouseover='alert(1).png",
    b"</title></bdi><svg onload=alert(1)>.png",
    b"{{ 7 * 7 }}{% raw %}.png",
    b"javascript:alert(1).png",
    b"&lt;b&gt;&amp;.png",
    b"--><!--.png",
    b"=cmd|'calc'!A1.png",
    b"a\nb\r\tc\x1b[31m.png",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe.png".encode(),
    b"\xff\xfe<b>.png",
    b"%2e%2e%2f%00.png",
    b"``${alert(1)}.png",
]
