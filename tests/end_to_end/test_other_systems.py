"""fastphash where Windows is imitated: without its missing modules, calls and open files."""

import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastphash
from tests.support.command_line import run
from tests.support.scenes import planted

LIKE_WINDOWS = Path(__file__).parents[1] / "support" / "like_windows"
FOLDING_DISK = ["unshare", "-m", sys.executable, str(LIKE_WINDOWS.with_name("folding_disk.py"))]


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


@pytest.mark.slow
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
before = sorted(os.listdir("train"))
run("clean", "out", "moved", "--apply", "--to", "move")
assert os.listdir("moved/train")
assert len(os.listdir("train")) < len(before)
run("clean", "out", "--undo")
assert sorted(os.listdir("train")) == before
"""


@pytest.mark.slow
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


FOLDING = """
import os, sys
from fastphash.cli.main import main
from tests.support.scenes import save, scene
from pathlib import Path

def run(*words):
    print(">", *words, file=sys.stderr)
    try:
        main(words)
    except SystemExit as end:
        print("status", end.code, file=sys.stderr)

disk, other = Path("disk"), Path("other")
for i, name in enumerate(("Train/A/x.png", "Train/a/X.png", "Train/a/y.png", "train/z.png")):
    save(other / name, scene(i))
save(disk / "Photos" / "a.png", scene(9))
assert (disk / "photos" / "A.png").exists()
one = ["--workers", "1"]
run("audit", "a=disk/Photos", "b=disk/photos", "-o", "disk/a", *one)
run("audit", "other/Train", "other/train", "-o", "disk/Audit", *one)
run("audit", "other/Train", "other/train", "-o", "disk/audit", *one)
run("clean", "disk/audit")
run("clean", "disk/audit", "--apply")
run("clean", "disk/audit", "disk/tree", "--apply", "--to", "copy")
run("audit", "other/Train", "-o", "disk/second", *one)
run("clean", "disk/second")
run("clean", "disk/second", "disk/Tree", "--apply", "--to", "copy")
print(*sorted(str(path) for path in disk.rglob("*.png")))
"""


@pytest.mark.slow
def test_where_case_does_not_count(tmp_path):
    """A disk made for the test: of those that ignore case, no kernel has all."""
    (tmp_path / "disk").mkdir()
    trial = [*FOLDING_DISK, str(tmp_path / "disk"), "true"]
    if (
        not shutil.which("unshare")
        or subprocess.run(trial, stderr=subprocess.DEVNULL, check=False).returncode
    ):
        pytest.skip("a disk can't be mounted here")
    words = [*FOLDING_DISK, str(tmp_path / "disk"), sys.executable, "-c", FOLDING]
    paths = os.environ | {"PYTHONPATH": str(Path.cwd()), "COLUMNS": "400"}
    done = subprocess.run(
        words, cwd=tmp_path, env=paths, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    _, same, first, again, planned, lists, tree, *_, second = done.stderr.split("> ")
    assert "are the same folder: every image would leak" in same
    assert all("status 0" in said for said in (first, again, planned))
    assert "are one file where case doesn't count" in lists
    assert "splits 'Train' and 'train' would be one folder in 'disk/tree'" in tree
    assert "status 1" in second
    assert "its name is taken" in done.stdout
    assert "disk/tree" not in done.stdout
    assert "disk/Tree/Train/A/x.png disk/Tree/Train/A/y.png" in done.stdout
