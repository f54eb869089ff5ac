"""The inspector as a process of its own, and a client that asks it."""

import http.client
import re
import signal
import socket
import subprocess
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from tests.support.command_line import command, screen


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
