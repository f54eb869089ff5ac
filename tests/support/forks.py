"""Processes that are there to be killed: forked by one that has everything imported.

Each is a process of its own, with its own memory and files, and signals and strace reach it as any
other. Only the second that an interpreter takes to import everything is taken once, by the process
that forks them. What a run does to a disk comes after that.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.support.forks import serve
serve()
"""
_PR_SET_PTRACER, _ANY = 0x59616D61, -1


def update(store, *folders):
    """What a process may do: hash folders into a store, in parts of five rows."""
    from tests.support.fault_runs import update_here

    update_here(store, *folders)
    # how Python ends, which takes half a second, is of no interest here
    sys.stderr.flush()
    os._exit(0)


def command(*arguments):
    """What a process may do: a command of fastphash."""
    # which takes Ctrl-C from Python
    from fastphash.__main__ import main, run_and_leave

    run_and_leave(lambda: main(arguments, prog_name="fastphash"))


def command_on_disk(*arguments):
    """What a process may do: a command that searches however little in its scratch folder.

    It doesn't look whether there is room.
    """
    from fastphash.external import disk_search, scratch

    disk_search._LEAST = 0
    scratch._SPARE = -(1 << 40)
    command(*arguments)


def send(pid, number):
    """Send a signal to a forked process that may have ended, and been waited for, meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Forks:
    """Starts processes one after the other: ``with Forks(environment) as forks``."""

    def __init__(self, environment):
        self._environment = environment
        self._start()

    def _start(self):
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed on exit)
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(ROOT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env=self._environment,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def _end(self):
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._log.close()

    def run(self, action, *arguments, cwd=ROOT, before=(), meanwhile=None, seconds=None):
        """Fork a process that calls one of the functions above; what subprocess.run returns of it.

        `before` are strace and its options, which is attached to it before it begins. While it
        runs, ``meanwhile(pid, file, ended)`` is called: the file is its output so far, ``ended()``
        whether it has ended. It is killed after so many seconds. The output is bytes, of both
        streams.
        """
        with tempfile.TemporaryDirectory() as folder:
            streams = [os.path.join(folder, name) for name in ("out", "err")]
            # they are there although it may be killed before it opens them
            for stream in streams:
                Path(stream).touch()
            words = [action.__name__, *map(os.fspath, arguments)]
            pid = self._ask({"words": words, "cwd": os.fspath(cwd), "streams": streams})
            try:
                with _attached(before, pid):
                    self._tell("go")
                    if meanwhile:
                        meanwhile(pid, Path(streams[0]), self._has_answered)
                    if not self._has_answered(seconds):
                        send(pid, signal.SIGKILL)
                    status = self._answer()
            except BaseException:
                # the next test finds one that waits for orders
                send(pid, signal.SIGKILL)
                self._end()
                self._start()
                raise
            out, err = (Path(stream).read_bytes() for stream in streams)
        return subprocess.CompletedProcess(words, status, out, err)

    def _has_answered(self, seconds=0):
        return bool(select.select([self._server.stdout], [], [], seconds)[0])

    def _tell(self, order):
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        self._server.stdin.flush()

    def _ask(self, order):
        self._tell(order)
        return self._answer()

    def _answer(self):
        line = self._server.stdout.readline()
        if not line:
            self._log.seek(0)
            raise AssertionError(self._log.read().decode())
        return json.loads(line)


@contextlib.contextmanager
def _attached(words, pid):
    """A process traced by strace from here on."""
    if not words:
        yield
        return
    with subprocess.Popen([*words, "-p", str(pid)], stderr=subprocess.PIPE) as tracer:
        while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text(encoding="ascii"):
            assert tracer.poll() is None, tracer.stderr.read().decode()
            time.sleep(0.001)
        yield


def serve():
    """The process that forks: a line of JSON comes in for each, its pid and its end go out."""
    import fastphash
    from tests.support import fault_runs

    assert fault_runs
    # commands import what they need when they are called
    for module in pkgutil.walk_packages(fastphash.__path__, "fastphash."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    # what is imported stays: let no process look for garbage in it as it ends
    gc.freeze()
    answers = os.dup(1)
    for line in sys.stdin:
        order = json.loads(line)
        gate, opened = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(opened)
            _act(order, gate)
        os.write(answers, b"%d\n" % pid)
        sys.stdin.readline()
        os.close(gate)
        # whoever reads sees that it is closed
        os.close(opened)
        _, status = os.waitpid(pid, 0)
        os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(status))
    # there is nothing to tidy up, which would take half a second
    os._exit(0)


def _act(order, gate):
    """What a forked process does, once it may; it ends as Python ends."""
    # whoever isn't root may trace only what is forked by himself or allows it
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in enumerate(order["streams"], 1):
        os.dup2(os.open(name, os.O_WRONLY), number)
    os.chdir(order["cwd"])
    os.read(gate, 1)
    name, *arguments = order["words"]
    actions = (update, command, command_on_disk)
    {action.__name__: action for action in actions}[name](*arguments)
    sys.exit()
