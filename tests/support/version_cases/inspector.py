"""Serve an audit, ask for its pages, decide, and write all answers: `inspector.py OUT FOLDER`."""

import json
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit


def main(out: str, folder: str, ending: str = "SIGINT") -> None:
    """Serve an audit, ask for its pages, decide, and write all answers to a folder."""
    words = [sys.executable, "-m", "fastphash", "inspect", out, "--no-browser", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        visitor = _Visitor(urlsplit(process.stdout.readline().decode().strip()), Path(folder))
        try:
            _visit(visitor)
        finally:
            process.send_signal(signal.Signals[ending])
            said = process.communicate(timeout=60)
        visitor.write({"status": process.returncode})
        print(*(text.decode() for text in said), sep="\n")


def _visit(visitor: "_Visitor") -> None:
    turns = range(8)
    visitor.ask("/", Cookie="")
    visitor.ask("/?token=other", Cookie="")
    visitor.enter()
    wanted = [
        "", "?page=2", "?page=999", "?kind=near", "?kind=exact&order=size", "?least=2&most=9",
        "?split=val", "?name=a", "?name=%3Cb%3E", "?leaks=1", "?undecided=1", "?conflicts=1",
        "?order=distance", "?order=score&view=fade", "?kind=other", "?page=0", "?least=x",
        "group/0", "group/1?leaks=1", "group/3?page=2", "group/99999", "pair/0", "pair/1",
        "pair/1?view=difference", "pair/2?view=swipe&kind=exact", "pair/5?view=other", "pair/99999",
        *(f"image/{row}?side=160&turn={row}" for row in turns), "image/1", "image/99999",
        "image/2?side=1024", "image/2?side=5", "image/2?turn=9",
        *(f"thumbnail/{row}?turn={row}" for row in turns),
        "thumbnail/99999", "thumbnail/1?turn=x", "static/inspector.css", "static/inspector.js",
        "static/icon.svg", "static/other", "nowhere", "decide",
    ]  # fmt: skip
    for path in wanted:
        visitor.ask(f"/{path}")
    page = visitor.ask("/")
    for path in re.findall(r'(?:href|src)="(/[^"]*)"', page)[:60]:
        visitor.ask(path.replace("&amp;", "&"))
    visitor.ask("/", Host="elsewhere:80")
    decisions = [
        {"decision": "copies", "row": "1", "back": "pair"},
        {"decision": "not_copies", "row": "3", "back": "group", "state": "leaks=1"},
        {"decision": "keeper", "row": "5", "back": "group"},
        {"decision": "its_keeper", "row": "7", "back": "pair"},
        {"decision": "none_copies", "row": "9", "back": "group"},
        {"decision": "all_copies", "row": "12"},
        {"decision": "other", "row": "1"},
        {"decision": "copies", "row": "x"},
        {"decision": "copies", "row": "99999"},
        {"decision": "copies", "row": "0"},
    ]
    for decision in decisions:
        visitor.post("/decide", decision)
        visitor.ask("/?undecided=1")
    visitor.post("/undo", {})
    visitor.post("/decide", {"decision": "copies", "row": "1"}, Origin="http://elsewhere")
    visitor.post("/decide", {"decision": "copies", "row": "1", "token": "other"})
    visitor.post("/decide", {"decision": "copies" * 9999, "row": "1"})
    for path in ("/", "/group/0", "/pair/1", "/pair/3"):
        visitor.ask(path)


class _Visitor:
    """Asks for pages and writes the answers to files, without what no two servers share."""

    def __init__(self, url: Any, folder: Path) -> None:
        self._url = url
        self._folder = folder
        # earlier versions have no path of their own
        self._base = self._cookie = self._form = ""
        self._answers: list[dict[str, Any]] = []
        folder.mkdir()

    def enter(self) -> None:
        """Exchange the token of the printed URL for a cookie, and see the first page."""
        self.ask(f"/?{self._url.query}")
        self.ask("/")

    def post(self, path: str, form: dict[str, str], **headers: str) -> None:
        """Send a form of a page."""
        origin = {"Origin": f"http://{self._url.netloc}"}
        self.ask(path, urlencode({"token": self._form} | form), **origin | headers)

    def ask(self, path: str, form: str | None = None, **headers: str) -> str:
        """Ask for a page; returns its text."""
        connection = HTTPConnection(self._url.hostname, self._url.port, timeout=60)
        sent = {"Cookie": self._cookie} | headers
        base = "" if path.startswith((self._base or "/", "/static/")) else self._base
        connection.request("GET" if form is None else "POST", base + path, form, sent)
        answer = connection.getresponse()
        if cookie := answer.headers["Set-Cookie"]:
            self._cookie = cookie.split(";")[0]
            self._base = cookie.partition("Path=")[2].partition(";")[0].rstrip("/")
        text = answer.read().decode("utf-8", "surrogateescape")
        if form_token := re.search(r'name="token" value="([^"]+)"', text):
            self._form = form_token[1]
        kind = (answer.headers["Content-Type"] or "/none").split(";")[0].split("/")[1]
        name = f"{len(self._answers):03d}.{kind}"
        told = {key: self._masked(value) for key, value in answer.headers.items()}
        # the time, how long a text is, and of an image the number and times of its file
        left_out = ["date", "content-length", *(["etag"] if path.startswith("/image/") else [])]
        told = {key: value for key, value in told.items() if key.lower() not in left_out}
        asked = self._masked(f"{path} {form or ''} {headers}"[:300])
        self._answers.append(
            {"asked": asked, "status": answer.status, "headers": told, "body": name}
        )
        (self._folder / name).write_text(self._masked(text), "utf-8", "surrogateescape")
        connection.close()
        return text

    def _masked(self, text: str) -> str:
        """A text without tokens and the port: they are other ones each time."""
        token, cookie = self._url.query.removeprefix("token="), self._cookie.partition("=")[2]
        text = text.replace(self._base, "") if self._base else text
        for secret in (token, cookie, self._form, f":{self._url.port}", f"-{self._url.port}"):
            text = text.replace(secret, "MASKED") if secret else text
        return text

    def write(self, also: dict[str, Any]) -> None:
        """Write what was asked, and how it was answered."""
        index = [*self._answers, also]
        (self._folder / "index.json").write_text(json.dumps(index, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
