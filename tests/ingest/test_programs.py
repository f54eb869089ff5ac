"""Programs of all kinds that call hash_images, each in a process of its own."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from unittest import mock

import pytest

from tests.support.scenes import scenes

UNGUARDED = """
import glob
import fastphash as fp
print(fp.hash_images(sorted(glob.glob("in/*.png")), workers=2).table.num_rows)
"""
GUARDED = """
import glob
import fastphash as fp
if __name__ == "__main__":
    print(fp.hash_images(sorted(glob.glob("in/*.png")), workers=2).table.num_rows)
"""
THREADS = """
import glob, threading
import fastphash as fp

paths = sorted(glob.glob("in/*.png"))
found = []

def work():
    try:
        found.append(fp.hash_images(paths, workers=1).table.num_rows)
    except Exception as error:
        found.append(repr(error))

for _ in range(4):
    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(set(found), len(found))
"""
POOL = """
import glob, multiprocessing, sys
import fastphash as fp

def work(workers):
    return fp.hash_images(sorted(glob.glob("in/*.png")), workers=workers).table.num_rows

if __name__ == "__main__":
    if "before" in sys.argv:
        work(1)
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        print(pool.map(work, [1, 0]))
"""
LOOP = """
import asyncio, glob
import fastphash as fp

def work():
    return fp.hash_images(sorted(glob.glob("in/*.png")), workers=1).table.num_rows

async def main():
    return work(), await asyncio.to_thread(work)

if __name__ == "__main__":
    print(asyncio.run(main()))
"""
FORK = """
import glob, os, sys
import fastphash as fp

def work():
    return fp.hash_images(sorted(glob.glob("in/*.png")), workers=1).table.num_rows

if __name__ == "__main__":
    if "before" in sys.argv:
        work()
    child = os.fork()
    if not child:
        print(work(), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
DAEMON = """
import glob, multiprocessing, sys
import fastphash as fp

def work(queue):
    queue.put(fp.hash_images(sorted(glob.glob("in/*.png")), workers=1).table.num_rows)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,), daemon=True)
    process.start()
    print(queue.get(timeout=100))
    process.join()
"""
# another process of the program still gets the program's main module
OTHERS = """
import glob, multiprocessing
import fastphash as fp

class Mine:
    pass

def work(queue):
    queue.put(Mine())

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    fp.hash_images(sorted(glob.glob("in/*.png")), workers=1)
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    print(type(queue.get()) is Mine)
    process.join()
"""


DAMAGED = """
import fastphash as fp
hashed = fp.hash_images(["in/damaged.tif"], workers=1)
print(hashed.rejected["stage"].to_pylist())
"""


@pytest.fixture
def folder(tmp_path):
    scenes(tmp_path / "in", range(3))
    return tmp_path


def python(folder, *arguments, input=None):
    """What a program prints, which prints no error."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        input=input,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_workers_print_nothing_of_what_libraries_say(folder, encoded, photo):
    data = bytearray(encoded(photo(64, 64), "TIFF", compression="tiff_lzw"))
    data[600:900] = bytes(300)
    (folder / "in" / "damaged.tif").write_bytes(data)
    command = [sys.executable, "-c", DAMAGED]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['decode']"
    # libtiff would print "LZWDecode: Not enough data"
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("script", [GUARDED, UNGUARDED], ids=["guarded", "unguarded"])
def test_a_script_on_standard_input(folder, script):
    assert python(folder, "-", input=script) == "3"


@pytest.mark.slow
def test_a_script_without_a_guard(folder):
    (folder / "script.py").write_text(UNGUARDED)
    assert python(folder, "script.py") == "3"


@pytest.mark.slow
def test_a_module_without_a_guard(folder):
    (folder / "program").mkdir()
    (folder / "program" / "__main__.py").write_text(UNGUARDED)
    assert python(folder, "-m", "program") == "3"


@pytest.mark.slow
def test_an_interactive_session(folder):
    assert python(folder, "-i", "-q", input=UNGUARDED) == "3"


@pytest.mark.slow
def test_code_of_a_notebook(folder):
    assert python(folder, "-c", f"exec({UNGUARDED!r}, {{'__name__': '__main__'}})") == "3"


@pytest.mark.slow
def test_four_threads_at_once(folder):
    assert python(folder, "-", input=THREADS) == "{3} 16"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_of_other_pools(folder, method):
    (folder / "script.py").write_text(POOL)
    assert python(folder, "script.py", method) == "[3, 3]"


@pytest.mark.slow
def test_processes_that_were_forked_after_workers_had_started(folder):
    (folder / "script.py").write_text(POOL)
    assert python(folder, "script.py", "fork", "before") == "[3, 3]"


@pytest.mark.slow
def test_other_processes_of_the_program_keep_its_main_module(folder):
    (folder / "script.py").write_text(OTHERS)
    assert python(folder, "script.py") == "True"


def script(folder, text):
    path = folder / "program.py"
    path.write_text(text)
    return str(path)


@pytest.mark.slow
def test_a_running_event_loop(folder):
    assert python(folder, script(folder, LOOP)) == "(3, 3)"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("when", [[], ["before"]], ids=["first", "after the parent"])
def test_a_forked_child(folder, when):
    assert python(folder, script(folder, FORK), *when) == "3"


@pytest.mark.slow
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_daemonic_process(folder, method):
    assert python(folder, script(folder, DAEMON), method) == "3"


@pytest.mark.slow
def test_without_a_compiler_and_isolated(folder):
    words = ("-I", "-m", "fastphash", "audit", "in", "-o", "out", "--json")
    with mock.patch.dict(os.environ, {"NUMBA_DISABLE_JIT": "1"}):
        assert json.loads(python(folder, *words))["splits"]["in"]["distinct"] == 3


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh")
@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("-n 16", "worker processes can't be started: Too many open files. Use fewer workers"),
        ("-v 500000", "the limit of address space (ulimit -v) is 500,000 kB, and libraries take"),
    ],
)
def test_a_limit_that_is_too_low_is_told_in_one_line(folder, limit, said):
    words = [sys.executable, "-m", "fastphash", "hash", "in", "-o", "new"]
    shell = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *words]
    done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {said}")
