"""Pages for people: names that bite, requests from elsewhere, and a million groups."""

import io
import os
import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from benchmarks.speed.inspector import RunningInspector, copy_rows, pages
from benchmarks.support.synthetic_audit import write_audit as write_large_audit
from fastphash.audits.run import audit
from fastphash.ingest.options import IngestOptions
from fastphash.inspector.catalog import Catalog
from fastphash.results.audit_folder import open_audit
from fastphash.sources.local import folder_source
from tests.support.audits import pair, write_audit
from tests.support.inspector_client import HOSTILE, Served
from tests.support.scenes import planted, save, scene

TAGS = """
a bdi body button caption dd dialog div dl dt fieldset figcaption figure form h1 h2 head
header html img input kbd label legend li link main meta nav noscript ol option p script section
select span strong svg table tbody td th thead title tr ul
"""


class Markup(HTMLParser):
    """Every tag and attribute of a page, and what stands in it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.scripts = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag == "script":
            self.scripts.append(dict(attrs))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Hostile names, each a keeper and a copy of the same name in another split."""
    folder = tmp_path_factory.mktemp("hostile")
    for split in ("a", "b<i>"):
        for i, name in enumerate(HOSTILE):
            path = os.path.join(os.fsencode(folder / split), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.rename(save(folder / "x.png", scene(i)), path)
    sources = [folder_source(f"{split}={folder / split}") for split in ("a", "b<i>")]
    audit(folder / "out", sources, ingest=IngestOptions(workers=1))
    return folder / "out"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    audit(
        folder / "out",
        [folder_source(text) for text in planted(folder)],
        ingest=IngestOptions(workers=1),
    )
    return folder


@pytest.fixture(scope="module")
def served(data):
    with Served(data / "out") as running:
        yield running


def test_44_hostile_names_in_the_inspector(hostile):
    with Served(hostile) as running:
        pages = [running.get("/"), running.get(f"/?{urlencode({'name': '<script>'})}")]
        for group in range(len(HOSTILE)):
            pages += [running.get(f"/group/{group}"), running.get(f"/pair/{2 * group + 1}")]
            running.post("/decide", row=str(2 * group + 1), decision="not_copies")
            pages.append(running.get("/"))
    for page in pages:
        assert page.status == 200
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        markup = Markup(page.text)
        assert markup.tags <= set(TAGS.split())
        assert [script["src"] for script in markup.scripts] == ["/static/inspector.js"]
        names = {name for name, _ in markup.attributes}
        assert not [name for name in names if name.startswith("on") or name == "style"]
        links = [value for name, value in markup.attributes if name in ("href", "src", "action")]
        assert all(re.match(r"[/#]", link) and not link.startswith("//") for link in links)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", page.text)
        assert "49.png" not in page.text
    said = " ".join(page.words for page in pages)
    for name in HOSTILE[:9]:
        assert re.sub(r"\s+", " ", name.decode()) in said


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/static/../../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/app.py",
        "/static/..%5c..%5capp.py",
        "/static/%2fetc%2fpasswd",
        "//etc/passwd",
        "/image/../../etc/passwd",
        "/image/..%2f..%2fetc%2fpasswd",
        "/image//etc/passwd",
        "/image/1%00",
        "/image/-1",
        "/image/1/../../decisions.json",
        "/image/%2e%2e/1",
        "/thumbnail/..%2f1",
        "/hashes/_manifest.parquet",
        "/image/1?path=/etc/passwd&side=160/../..",
    ],
)
def test_45_path_traversal(served, path):
    answer = served.get(path)
    assert answer.status in (404, 400)
    assert "root:" not in answer.text
    base = "" if path.startswith("/static/") else served.base
    head = f"GET {base}{path} HTTP/1.1\r\nHost: {served.netloc}\r\nCookie: {served.cookie}\r\n\r\n"
    assert served.raw(head.encode()).split()[1] == str(answer.status)


def test_45_links_out_of_a_split(tmp_path):
    """Only regular files inside their split's folder are shown, and no other bytes than audited."""
    (tmp_path / "out").mkdir()
    secret = save(tmp_path / "secret.png", scene(1))
    train = tmp_path / "train"
    save(train / "in.png", scene(1))
    (train / "out.png").symlink_to(secret)
    (train / "inside.png").symlink_to("in.png")
    names = [b"in.png", b"out.png", b"inside.png", b"folder/secret.png", b"../secret.png"]
    copies = [pair("train", name, "exact", 0) for name in names]
    out = write_audit(tmp_path / "out", [copies], {"train": train})
    audit(tmp_path / "real", [folder_source(f"train={train}")], ingest=IngestOptions(workers=1))
    (train / "folder").symlink_to(tmp_path)
    with Served(out) as running:
        statuses = [running.get(f"/image/{row}").status for row in range(len(names))]
        assert statuses == [200, 404, 200, 404, 404]
        assert "outside of its folder" in running.get("/").words
        assert running.get("/thumbnail/1").status == 200
    with Served(tmp_path / "real") as running:
        shown = {
            name: running.get(f"/image/{row}").status
            for row, name in enumerate(re.findall(r"train/(\S+\.png)", running.get("/").words))
        }
        assert shown == {"in.png": 200, "inside.png": 200, "out.png": 404}
        (train / "in.png").unlink()
        (train / "in.png").symlink_to(secret)
        row = list(shown).index("in.png")
        assert running.get(f"/image/{row}").status == 404


def test_45_other_bytes_are_never_shown(data, served):
    path = data / "train" / "again.png"
    catalog = Catalog(open_audit(data / "out"))
    (row,) = catalog.find_names(["train"], [b"again.png"])
    kept = path.read_bytes()
    try:
        size = len(kept)
        buffer = io.BytesIO()
        Image.fromarray(scene(77)).save(buffer, "PNG")
        path.write_bytes(buffer.getvalue()[:size].ljust(size, b"\0"))
        answer = served.get(f"/image/{row}?side=1024")
        assert answer.headers["Content-Type"] == "image/png"
        assert np.asarray(Image.open(io.BytesIO(answer.data))).shape == (32, 32)
    finally:
        path.write_bytes(kept)


def state_of(data):
    """Everything in the audit's folder, and when it was last changed."""
    files = sorted(p for p in (data / "out").rglob("*") if p.is_file())
    return [(p, p.stat().st_mtime_ns, p.read_bytes()) for p in files]


PAGES = ["/", "/group/0", "/pair/1", "/image/0", "/thumbnail/0", "/nothing", "/decide"]


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost", "", None),
        *("127.0.0.1.evil.example:{port}", "192.0.2.1:{port}", "127.0.0.1:{port}@evil.example"),
    ],
)
def test_46_foreign_host(served, host):
    host = host and host.format(port=served.port)
    for path in (*PAGES, "/static/inspector.js"):
        # h11 itself refuses requests without a host
        assert served.get(path, Host=host).status == (403 if host is not None else 400)
    body = urlencode({"token": served.get("/").token, "row": 1, "decision": "copies"}).encode()
    if host is not None:
        answer = served.ask("POST", "/decide", body, Host=host, Origin=served.origin)
        assert answer.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://{netloc}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://{netloc}.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "http://{netloc}", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"},
    ],
)
def test_46_cross_origin_post(data, served, headers):
    before = state_of(data)
    body = urlencode({"token": served.get("/").token, "row": 1, "decision": "copies"}).encode()
    headers = {name: value.format(netloc=served.netloc) for name, value in headers.items()}
    for path in ("/decide", "/undo"):
        assert served.ask("POST", path, body, **headers).status == 403
    assert state_of(data) == before


@pytest.mark.parametrize("token", ["", "x", "\N{SNOWMAN}", "visit"])
def test_46_no_token(data, served, token):
    before = state_of(data)
    if token == "visit":  # that of the URL is none for forms
        token = served.url.partition("token=")[2]
    for cookie in (None, "", f"fastphash-{served.port}=x", "fastphash-1=y", "\x7f;;=", "a=b; c"):
        for path in (*PAGES, "/?token=x", "/?token=", "/?token=%ff"):
            assert served.get(path, Cookie=cookie).status == 403
            assert served.get(path, Cookie=cookie, outside=True).status == 403
    body = urlencode({"token": token, "row": 1, "decision": "copies"}).encode()
    for path in ("/decide", "/undo"):
        assert served.ask("POST", path, body, Origin=served.origin).status == 403
        assert served.ask("POST", path, body, Origin=served.origin, Cookie=None).status == 403
    token = served.get("/").token
    body = urlencode({"token": token, "row": 1, "decision": "copies"}).encode()
    assert served.ask("POST", "/decide", body, Origin=served.origin, Cookie=None).status == 403
    assert state_of(data) == before


def test_46_reading_changes_nothing(data, served):
    before = state_of(data)
    token = served.get("/").token
    for path in [
        *PAGES,
        "/undo",
        f"/decide?{urlencode({'token': token, 'row': 1})}&decision=copies",
    ]:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
            assert served.ask(method, path, Origin=served.origin).status in (200, 404, 405)
    assert state_of(data) == before


def test_46_the_cookie_and_the_headers(served):
    enter = f"/group/0?{served.url.partition('?')[2]}&kind=exact"
    first = served.get(enter, Cookie=None, outside=True)
    cookie = first.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "max-age=43200" in cookie
    assert "domain" not in cookie
    assert "url=/group/0?kind=exact" in first.text
    token = served.url.partition("token=")[2]
    assert token not in first.text
    for path, place in {"//evil.example/": "//evil.example/", "/%5Cevil/": "/%5Cevil/"}.items():
        away = served.get(f"{path}?token={token}", Cookie=None, outside=True)
        # it goes on from our own base, which the client leaves out: never to another host
        assert f"url={place}" in away.text
        assert served.base in away.all_text
    for path in (*PAGES, "/static/inspector.css"):
        answer = served.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )
        assert "server" not in answer.headers
        assert token not in answer.data.decode(errors="replace")


def test_46_bodies_and_heads_are_bounded(served):
    large = b"token=" + b"x" * 20_000
    assert served.ask("POST", "/decide", large, Origin=served.origin).status == 413
    head = f"POST {served.base}/decide HTTP/1.1\r\nHost: {served.netloc}\r\n"
    head += (
        f"Origin: {served.origin}\r\nCookie: {served.cookie}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    assert served.raw(head.encode() + chunks * 5 + b"0\r\n\r\n").split()[1] == "413"
    assert served.raw(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000).split()[1] == "400"
    assert served.raw(b"nonsense\r\n\r\n").split()[1] == "400"
    assert served.get("/").status == 200


@pytest.mark.slow
def test_47_a_million_groups(tmp_path):
    """In less than 480 MB; benchmarks/speed/inspector.py measures the time that pages take."""
    positions = write_large_audit(tmp_path, 1_000_000)
    with RunningInspector(tmp_path) as running:
        for paths in pages(1_000_000, positions, 3).values():
            for path in paths:
                running.time_page(path)
        for row in copy_rows(positions, 3):
            running.time_decision(row)
        assert running.peak_memory() < 480e6
