"""No OpenCV, or one whose system libraries are missing, as in slim containers."""

import os
import subprocess
import sys

import pytest

from tests.support.command_line import run_process, screen
from tests.support.scenes import planted, save, scene

WITHOUT_LIBRARIES = (
    "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
)
USE = """
import sys
import fastphash as fp

paths = sys.argv[1:]
reduced = fp.Definition(decode="reduced")
for definition in (fp.Definition(), reduced):
    hashed = fp.hash_images(paths, workers=1, definition=definition)
    assert hashed.table.num_rows == len(paths), hashed.rejected.to_pylist()
assert fp.phash(paths[0]) == fp.hash_images(paths, workers=1).table["phash"][0].as_py()
try:
    import cv2
except ImportError as error:
    print(error)
"""


@pytest.fixture
def environment(tmp_path):
    """Where OpenCV can't be imported, by this process or those that it starts."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "cv2.py").write_text(WITHOUT_LIBRARIES)
    return screen() | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}


@pytest.mark.slow
def test_hashing_needs_no_opencv(tmp_path, environment):
    paths = [str(save(tmp_path / f"{i}.{s}", scene(i))) for i, s in enumerate(("jpg", "png"))]
    paths.append(str(save(tmp_path / "large.jpg", scene(2, 300, 520))))
    done = subprocess.run(
        [sys.executable, "-c", USE, *paths],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert "libGL.so.1" in done.stdout


@pytest.mark.slow
def test_the_whole_job_needs_no_opencv(tmp_path, environment):
    train, val = planted(tmp_path)
    out = str(tmp_path / "out")
    run_process("audit", train, val, "-o", out, env=environment)
    run_process("clean", out, env=environment)
    run_process("info", f"{out}/hashes", env=environment)
