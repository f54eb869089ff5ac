"""README's first command in Debian's smallest root with Python, as in a slim container."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from tests.support.scenes import planted
from tests.support.skipping import missing

ROOT = Path(__file__).resolve().parents[2]
# the oldest Debian whose Python is new enough, and that Python
RELEASE, PYTHON = "bookworm", "3.11"
OPTIONS = "--variant=minbase", "--include=python3-venv"

# in namespaces of its own: what is mounted vanishes with it, and no network is there
ENTER = """
set -e
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""
INSTALL = "cd /checkout && export PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels && "
USE = """
import sys
import fastphash as fp
from fastphash.looks.run import why_unaligned

hashed = fp.hash_images(sys.argv[1:], workers=1)
equal = fp.phash(sys.argv[1]) == hashed.table["phash"][0].as_py()
print(hashed.table.num_rows, hashed.rejected.num_rows, equal)
print(why_unaligned() or "OpenCV is there")
"""


@pytest.fixture(scope="module")
def debian():
    """A fresh root that has this checkout and the wheels, and a function to run words in it."""
    if os.geteuid() or not shutil.which("debootstrap"):
        missing("it takes debootstrap, and root")
    # not in memory: a root takes 2 GB
    folder = Path(tempfile.mkdtemp(prefix="fastphash-debian-", dir="/var/tmp"))
    root = folder / "root"
    # what debootstrap mounts there vanishes with it, even if it is killed: /proc can't be removed
    make_root = ["unshare", "--mount", "debootstrap", *OPTIONS, RELEASE, root]
    try:
        # both wait for other machines
        with started(make_root) as debootstrap, started(download(folder / "wheels")) as pip:
            said, errors = debootstrap.communicate()[0], pip.communicate()[1]
        if pip.returncode:
            missing(f"no wheels: {errors}")
        if debootstrap.returncode:
            missing(f"no Debian: {said[-1000:]}")
        left_out = shutil.ignore_patterns(
            ".git", ".venv", "node_modules", "__pycache__", ".*_cache"
        )
        shutil.copytree(ROOT, root / "checkout", ignore=left_out)
        (folder / "wheels").rename(root / "wheels")
        yield root, lambda *words: run_in(root, *words)
    finally:
        shutil.rmtree(folder)


def download(folder):
    """Words that fetch all that the package, its build, and an OpenCV with windows need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    options = ["--quiet", "--only-binary=:all:", f"--python-version={PYTHON}", f"--dest={folder}"]
    return [sys.executable, "-m", "pip", "download", *options, *needed, "opencv-python<5"]


def started(words):
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_in(folder, *words):
    done = subprocess.run(
        ["unshare", "--mount", "--net", "bash", "-c", ENTER, "enter", folder, *words],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def readme_command():
    """The first of README's commands for a shell, as printed."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]


@pytest.mark.slow(seconds=110)
def test_the_main_job_works_on_a_bare_machine(debian):
    folder, inside = debian
    said = inside("bash", "-c", INSTALL + readme_command())
    assert "are also in train" in said
    train, val = planted(folder / "data")
    train, val = (split.replace(str(folder), "") for split in (train, val))
    images = [f"/data/val/{name}" for name in sorted(os.listdir(folder / "data" / "val"))]
    python, program = "/checkout/.venv/bin/python", "/checkout/.venv/bin/fastphash"

    assert inside(python, "-c", USE, *images).split("\n")[:2] == ["5 0 True", "OpenCV is there"]
    inside(program, "audit", train, val, "-o", "/data/out")
    # nothing of an OpenCV with windows is there, and so it can't be loaded in place of the other
    libraries = inside("/sbin/ldconfig", "-p")
    assert [name for name in ("libGL.", "libxcb.", "libglib-") if name in libraries] == []
    pip = f"{INSTALL} .venv/bin/pip"
    inside("bash", "-c", f"{pip} uninstall -qy opencv-python-headless")
    inside("bash", "-c", f"{pip} install -q opencv-python")
    hashed, why, *_ = inside(python, "-c", USE, *images).split("\n")
    assert hashed == "5 0 True"
    assert re.search(r"OpenCV is broken \(lib\S+\.so\.1: cannot open shared object file", why)
    assert "pip install --force-reinstall --no-deps opencv-python-headless" in why
    inside(program, "audit", train, val, "-o", "/data/again")
    assert (folder / "data" / "again" / "summary.json").is_file()
