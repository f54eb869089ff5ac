"""Ctrl-C and SIGTERM: what a command prints, and the exit status."""

import signal
import sys
from types import FrameType

import click

_SIGNAL_STATUS = 128
# run again, these commands continue where they were interrupted
_RESUMABLE = ("audit", "clean", "hash")


def handle_signals() -> None:
    """Answer signals with a message from here on, after files are tidied up.

    A command calls this when all its modules are imported. Before, a signal ends the process at
    once: there is nothing to tidy up yet, and an exception in the middle of an import may break it.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)


def exit_after_interrupt(context: click.Context) -> None:
    """End the program after a KeyboardInterrupt; `context` is that of the whole program."""
    click.echo(f"\nInterrupted{_what_next(context.invoked_subcommand)}", err=True)
    context.exit(_SIGNAL_STATUS + signal.SIGINT)


def _terminate(number: int, _: FrameType | None) -> None:
    command = click.get_current_context().find_root().invoked_subcommand
    click.echo(f"\nTerminated{_what_next(command)}", err=True)
    sys.exit(_SIGNAL_STATUS + number)


def _what_next(command: str | None) -> str:
    return ": run the same command again to go on." if command in _RESUMABLE else "."
