"""fastphash in a root with the libraries of Debian's smallest: no libGL, no libxcb, no glib."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.scenes import planted
from tests.support.skipping import missing

# besides those of Python itself: of libc6, libstdc++6, libgcc-s1 and zlib1g, which minbase has
LIBRARIES = (
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libz.so.1",
)

# in a mount namespace of its own: what is mounted vanishes with it
ENTER = """
set -e
root=$1; shift
while read -r folder; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
done < "$root/folders"
mkdir -p "$root/proc" "$root/dev"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""
USE = """
import os, sys
import fastphash as fp

files = [os.path.join(sys.argv[1], name) for name in sorted(os.listdir(sys.argv[1]))]
hashed = fp.hash_images(files, workers=2)
print(hashed.table.num_rows, fp.phash(files[0]) == hashed.table["phash"][0].as_py())
"""
MISSING = """
import ctypes
for name in ("libGL.so.1", "libxcb.so.1", "libglib-2.0.so.0"):
    try:
        ctypes.CDLL(name)
    except OSError:
        print(name)
"""


def libraries_of(*files):
    """What the loader loads for programs and libraries."""
    found = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"(/\S+\.so\S*)", found.replace(":", " ")))


def system_libraries():
    python = Path(sys.executable).resolve()
    modules = Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so")
    # Tk takes libxcb
    needed = libraries_of(python, *(path for path in modules if "tkinter" not in path.name))
    folder = next(Path(path).parent for path in needed if "libc.so" in path)
    return needed | {str(folder / name) for name in LIBRARIES}


@pytest.fixture
def slim_root(tmp_path):
    """A folder with system libraries, and a list of the folders to be bound there."""
    if os.geteuid():
        missing("only root can change its root")
    if sys.base_prefix == "/usr":
        pytest.skip("the system's own Python comes with all of the system's libraries")
    root = tmp_path / "root"
    for path in system_libraries():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(path).read_bytes())
        target.chmod(0o755)
    needed = {sys.prefix, sys.base_prefix, *filter(os.path.isdir, sys.path), str(tmp_path / "data")}
    (root / "folders").write_text("\n".join(sorted(needed)) + "\n")
    (tmp_path / "data").mkdir()
    (root / "tmp").mkdir()
    return root


@pytest.mark.slow
def test_hashing_and_audits_work_in_a_slim_root(slim_root, tmp_path):
    folder = tmp_path / "data"
    train, val = planted(folder)

    def inside(*command):
        words = ["unshare", "--mount", "bash", "-c", ENTER, "enter", slim_root, sys.executable]
        done = subprocess.run(
            [*words, *command],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": "/tmp"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert inside("-c", USE, str(folder / "val")).split() == ["5", "True"]
    inside("-m", "fastphash", "audit", train, val, "-o", str(folder / "out"))
    assert (folder / "out" / "summary.json").is_file()
    # the root is slim indeed
    assert inside("-c", MISSING).split() == ["libGL.so.1", "libxcb.so.1", "libglib-2.0.so.0"]
