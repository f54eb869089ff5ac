"""The end of the process, when the work of its command is over."""

import atexit
import contextlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

_FAILED = 1


def run_and_leave(program: Callable[[], object]) -> NoReturn:
    """Run a program that ends by SystemExit, and end the process with its status at once.

    Python would take all modules apart first. That takes as long as a short command, half a second,
    and until it is done no other thread can end a process that waits for one. What isn't caught
    here, Python prints.
    """
    status: object = 0
    try:
        program()
    except SystemExit as end:
        status = end.code
    if status is not None and not isinstance(status, int):
        raise SystemExit(status)
    # libraries tidy up; these functions are all that Python would call
    atexit._run_exitfuncs()  # noqa: SLF001 - nothing else runs them
    os._exit(_flushed(status or 0))


def _flushed(status: int) -> int:
    """The exit status: failure if what was printed can't be written."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return status or _FAILED
    return status
