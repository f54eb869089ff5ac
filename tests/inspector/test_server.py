import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fastphash.inspector.access import Access
from tests.support.audits import write_audit
from tests.support.command_line import run
from tests.support.inspector_client import Served, ServedProcess


def test_the_command_prints_its_url_and_ends_on_ctrl_c(audited):
    served = ServedProcess(audited / "out")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", served.url)
    status, out, said = served.stop()
    assert status == 130
    assert out == ""
    assert said.splitlines() == ["Ctrl-C stops it.", "", "Interrupted."]
    with socket.socket() as free:
        free.bind(("127.0.0.1", served.port))


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_what_to_install(planted_audit, missing):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; from fastphash.cli.main import main; main()"
    )
    words = [sys.executable, "-c", code, "inspect", str(planted_audit / "out")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: {missing} is not installed: install fastphash with its extra 'inspect', such as "
        "by pip install '.[inspect]' in a checkout\n"
    )


def test_a_port_that_is_taken(planted_audit):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("inspect", str(planted_audit / "out"), "--port", str(port), status=2)
    assert f"port {port} is taken: --port 0 takes any that is free" in done.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nowhere"], 2, "no such audit"),
        (["."], 2, "is no audit"),
        (["OUT", "--host", "no such host"], 2, "no such host: 'no such host'"),
        (["OUT", "--host", "192.0.2.1", "--port", "0"], 1, "can't serve at 192.0.2.1"),
        (["OUT", "--port", "65536"], 2, "65536"),
    ],
)
def test_what_cannot_be_served(planted_audit, tmp_path, words, status, said):
    out = str(planted_audit / "out")
    done = run("inspect", *(out if w == "OUT" else w for w in words), status=status, cwd=tmp_path)
    assert said in done.stderr


@pytest.mark.slow
def test_served_to_others_it_warns(audited):
    served = ServedProcess(audited / "out", "--host", "0.0.0.0", "--port", "0")
    assert served.get("/").status == 200
    assert served.get("/", Host=f"192.0.2.7:{served.port}").status == 200
    assert served.get("/", Host=f"evil.example:{served.port}").status == 403
    *_, said = served.stop()
    assert "Warning: served at 0.0.0.0: anybody who knows the URL can see the images" in said


def test_the_url_of_an_address_of_six():
    assert Access("::1", 80).origin == "http://[::1]:80"
    assert Access("::1", 80).knows_host("[::1]")
    assert Access("::", 81).origin == "http://[::1]:81"
    assert Access("localhost", 81).knows_host("LOCALHOST:81")
    assert not Access("localhost", 81).knows_host("192.0.2.1:81")


def test_a_browser_is_opened_by_a_file_that_only_the_user_reads(monkeypatch):
    from fastphash.inspector.server import browser

    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with browser("http://127.0.0.1:1/?token=secret"):
        (uri,) = opened
        assert "secret" not in uri
        path = Path(uri.removeprefix("file://"))
        assert path.stat().st_mode & 0o77 == 0
        assert path.parent.stat().st_mode & 0o77 == 0
        assert "url=http://127.0.0.1:1/?token=secret" in path.read_text()
    assert not path.exists()


def test_an_audit_of_no_copies_and_one_that_moved(audited):
    shutil.move(audited / "train", audited / "moved")
    with Served(audited / "out") as served:
        words = served.get("/pair/1").words
        assert "the file is gone or can't be read: this is the stored thumbnail" in words
    out = write_audit(audited / "empty", [])
    with Served(out) as served:
        assert "The audit found no copies" in served.get("/").words
