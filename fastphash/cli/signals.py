"""Ctrl-C, SIGTERM and a closed terminal: what a command prints, and the exit status."""

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Self

import click

_SIGNAL_STATUS = 128
_STDERR = 2
# run again, these commands continue where they were interrupted
_RESUMABLE = ("audit", "clean", "hash")
# these do so if they use the disk, and never begin with half a file
_RESUMABLE_ON_DISK = ("group", "join")
_NAMES: dict[int, str] = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}
if hasattr(signal, "SIGHUP"):  # missing on Windows
    _NAMES[signal.SIGHUP] = "Terminal closed"
# seconds for tidying up; what isn't done then is left to the next run
_PATIENCE = 4.0


def _always() -> bool:
    return True


class Stopped(SystemExit):
    """A signal has ended the command; the code is the program's exit status."""


class Signals:
    """The signals of one run of the program: while the context lasts, a command may handle them.

    Afterwards a signal ends the process at once, as before: nothing is left to tidy up, and an
    exception in the middle of the interpreter's end prints a traceback, or makes it wait for ever.
    """

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._has_kept: Callable[[], bool] = _always
        #: The signal that ended the command.
        self.received: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()

    def handle(self, command: str | None, has_kept: Callable[[], bool]) -> None:
        """Answer signals with `Stopped` from here on; `command` is the one that runs."""
        self._has_kept = has_kept
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _NAMES:
            handler = signal.getsignal(number)
            # a shell ignores Ctrl-C for what it starts in the background, nohup a closed terminal
            if handler != signal.SIG_IGN:
                self._previous[number] = handler
                signal.signal(number, partial(self._stop, command))

    def end(self, context: click.Context) -> None:
        """Say that a signal ended the command, and end the program; `context` is the whole one."""
        number = signal.SIGINT if self.received is None else self.received
        # a terminal that is closed takes no message
        with contextlib.suppress(OSError):
            click.echo(_message(number, context.invoked_subcommand, self._has_kept), err=True)
        context.exit(_SIGNAL_STATUS + number)

    def _stop(self, command: str | None, number: int, _: FrameType | None) -> None:
        # no second exception may disturb the tidying up: a second signal ends the process
        self._give_back()
        self.received = number
        # an exception raised in a destructor, say, can't end anything: Python would print it
        sys.unraisablehook = _say_nothing
        # not a Thread: its locks may be held by whatever is interrupted here
        _thread.start_new_thread(_exit_later, (number, command, self._has_kept))
        raise Stopped(_SIGNAL_STATUS + number)

    def _give_back(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def handle_signals(has_kept: Callable[[], bool] = _always) -> None:
    """Answer signals with a message from here on, after files are tidied up.

    `has_kept` says, once that is done, whether there is anything that the next run goes on with.

    A command calls this when all its modules are imported. Before, a signal ends the process at
    once: there is nothing to tidy up yet, and an exception in the middle of an import may break it.
    """
    context = click.get_current_context().find_root()
    context.obj.handle(context.invoked_subcommand, has_kept)


def _exit_later(number: int, command: str | None, has_kept: Callable[[], bool]) -> None:
    """End the process if tidying up takes too long: what is half done, the next run finds."""
    time.sleep(_PATIENCE)
    with contextlib.suppress(OSError):
        os.write(_STDERR, f"{_message(number, command, has_kept)}\n".encode())
    os._exit(_SIGNAL_STATUS + number)


def _say_nothing(_: object) -> None:
    """Report nothing."""


def _message(number: int, command: str | None, has_kept: Callable[[], bool]) -> str:
    kept = command in (*_RESUMABLE, *_RESUMABLE_ON_DISK) and has_kept()
    if command not in _RESUMABLE and not kept:
        return f"\n{_NAMES[number]}."
    if kept:
        return f"\n{_NAMES[number]}: run the same command again to go on."
    return f"\n{_NAMES[number]} before anything was kept: the same command begins anew."
