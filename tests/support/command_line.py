"""fastphash run as a user runs it, and what it says."""

import os
import subprocess
import sys
from pathlib import Path


def command(*arguments):
    """The command line as a list, run by this interpreter."""
    return [sys.executable, "-m", "fastphash", *arguments]


def run(*arguments, status=0, **options):
    """Run fastphash as a user does; returns the finished process, its output as text."""
    options = {"cwd": Path.home(), "stdin": subprocess.DEVNULL, "env": screen()} | options
    if "input" in options:
        del options["stdin"]
    done = subprocess.run(command(*arguments), capture_output=True, check=False, **options)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
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
