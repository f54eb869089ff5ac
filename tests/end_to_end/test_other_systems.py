"""fastphash where Windows is imitated: without its missing modules, calls and open files."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastphash
from tests.support.command_line import run
from tests.support.scenes import planted

LIKE_WINDOWS = Path(__file__).parents[1] / "support" / "like_windows"


@pytest.fixture
def like_windows(tmp_path):
    """The environment of a process that believes to be on Windows."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("open files are seen in /proc")
    paths = f"{LIKE_WINDOWS}{os.pathsep}{Path.cwd()}"
    return os.environ | {"COLUMNS": "80", "PYTHONPATH": paths, "FASTPHASH_WATCHED": str(tmp_path)}


def python(code, environment):
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_it_is_another_system_to_fastphash_alone(like_windows, tmp_path):
    (tmp_path / "file").touch()
    code = f"""
import os, fastphash.base.system as system
print(system.WINDOWS, system.MOST_HANDLES, hasattr(system.os, "fchmod"), hasattr(os, "fchmod"))
file = open({str(tmp_path / "file")!r})
for call in (lambda: os.unlink(file.name), lambda: system.os.fsync(file.fileno())):
    try:
        call()
    except OSError as error:
        print(error.strerror)
"""
    said = python(code, like_windows).splitlines()
    assert said == ["True 60 False True", "open in this process", "Bad file descriptor"]


def test_every_module_is_imported(like_windows):
    modules = [
        module.name
        for module in pkgutil.walk_packages(fastphash.__path__, "fastphash.")
        if not module.name.endswith("__main__")
    ]
    assert len(modules) > 150
    code = f"import importlib\nfor name in {modules}: importlib.import_module(name)\nprint('all')"
    assert python(code, like_windows) == "all\n"


COMMANDS = """
import os, sys
from fastphash.cli.main import main
os.chdir(sys.argv[1])
def run(*words):
    main(words, standalone_mode=False)
run("audit", "train=train", "val=val", "-o", "out", "--workers", "1")
# a second time parts are replaced
os.unlink("train/003.png")
run("audit", "train=train", "val=val", "-o", "out", "--workers", "1")
run("report", "out", "-o", "page.html")
run("clean", "out")
for mode in ("lists", "copy"):
    run("clean", "out", mode, "--apply", "--to", mode)
"""


def test_an_audit_from_beginning_to_end(like_windows, tmp_path):
    planted(tmp_path)
    words = [sys.executable, "-c", COMMANDS, str(tmp_path)]
    subprocess.run(words, env=like_windows, check=True, capture_output=True)
    run("audit", "train=train", "val=val", "-o", "other", "--workers", "1", cwd=tmp_path)
    for name in ("groups.parquet", "leaks.parquet", "rejected.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    assert (tmp_path / "copy" / "train" / "000.png").stat().st_mtime_ns == (
        (tmp_path / "train" / "000.png").stat().st_mtime_ns
    )
    assert (tmp_path / "lists" / "val.txt").read_text()
