"""fastphash run as a user runs it, and what it says."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from click.testing import CliRunner

from fastphash.cli.main import main


def command(*arguments):
    """The command line as a list, run by this interpreter."""
    return [sys.executable, "-m", "fastphash", *arguments]


def run(*arguments, status=0, cwd=None, env=None, input=None):
    """Run a command in this process: exit status, stdout and stderr as of one of its own.

    A process of its own takes a second to import everything; where a process is the point, use
    `run_process`. With `status` None it may end as it likes.
    """
    with (
        contextlib.chdir(cwd or Path.home()),
        mock.patch.dict(os.environ, env or screen(), clear=True),
        # a process of its own has no handlers of pytest's
        mock.patch.object(logging.root, "handlers", []),
        _signals_kept(),
    ):
        words = [os.fsdecode(argument) for argument in arguments]
        result = CliRunner().invoke(main, words, input=input, prog_name="fastphash")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert status in (None, result.exit_code), result.stderr
    return SimpleNamespace(returncode=result.exit_code, stdout=result.stdout, stderr=result.stderr)


@contextlib.contextmanager
def _signals_kept():
    """Commands take over SIGINT and SIGTERM: give them back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def run_process(*arguments, status=0, before=(), **options):
    """Run fastphash in a process of its own; returns the finished process, its output as text.

    By another program (strace, say) if there are words `before`.
    """
    options = {"cwd": Path.home(), "stdin": subprocess.DEVNULL, "env": screen()} | options
    if "input" in options:
        del options["stdin"]
    done = subprocess.run(
        [*before, *command(*arguments)], capture_output=True, check=False, **options
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def screen(columns=80):
    """The environment, with a screen of so many columns."""
    return os.environ | {"COLUMNS": str(columns)}


FAILED, USAGE, LEAKED = 1, 2, 3


def error_of(done):
    """The one line that says what was wrong."""
    lines = done.stderr.splitlines()
    lines = [line for line in lines if line and not line.startswith(("Usage: ", "Try "))]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


def too_wide(shown):
    return [line for line in shown.splitlines() if len(line) > 80]
