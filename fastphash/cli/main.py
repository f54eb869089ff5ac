"""The program: its commands, and what it says and returns when one of them fails."""

import errno
import logging
import os
import sys
from typing import Any

import click

from fastphash.base.text import visible
from fastphash.cli.commands.audit import audit
from fastphash.cli.commands.calibrate import calibrate
from fastphash.cli.commands.clean import clean
from fastphash.cli.commands.convert import convert
from fastphash.cli.commands.demo import demo
from fastphash.cli.commands.evaluate import evaluate
from fastphash.cli.commands.group import group
from fastphash.cli.commands.hash import hash_
from fastphash.cli.commands.info import info
from fastphash.cli.commands.inspect import inspect
from fastphash.cli.commands.join import join
from fastphash.cli.commands.query import query
from fastphash.cli.commands.report import report
from fastphash.cli.option_names import name_options
from fastphash.cli.signals import Signals
from fastphash.errors import FastphashError, UsageError


class Commands(click.Group):
    """Lists commands in the order of the work, and turns errors into one line and a status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of all commands, in the order in which they were added."""
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; also where help or version can't be printed, the error is one line."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            click.echo(f"Error: can't write the output: {error.strerror or error}", err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        signals = ctx.obj = Signals()
        try:
            with signals:
                return self._invoke(ctx)
        except BaseException as error:
            # after a signal, libraries may make other errors of its exception
            if signals.received is None and not isinstance(error, KeyboardInterrupt):
                raise
            signals.end(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(self._message(ctx, error)) from error
        except FastphashError as error:
            raise click.ClickException(self._message(ctx, error)) from error
        except MemoryError as error:
            raise click.ClickException("out of memory") from error
        except BrokenPipeError:
            raise
        except OSError as error:
            named = error.filename
            name = os.fsdecode(named) if isinstance(named, bytes) else str(named)
            file = f": {visible(name)}" if named else ""
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            advice = ". Make room, and run the command again" if full else ""
            raise click.ClickException(f"{error.strerror or error}{file}{advice}") from error

    def _message(self, ctx: click.Context, error: FastphashError) -> str:
        # names of files may hold line feeds and escape sequences
        return visible(name_options(str(error), self.commands[str(ctx.invoked_subcommand)]))


def _print_version(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from fastphash.base.versions import version_of

        click.echo(f"fastphash, version {version_of('fastphash')}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Find every copy in an image data set: identical, rotated or mirrored, in a split and across.

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 leaks with --fail-on-leak.
    """
    _check_address_space()
    logging.basicConfig(handlers=[_LogToStderr()], format="%(message)s")
    # that they are compiled takes long enough to be said, and so does a search on the disk
    for name in ("kernels", "external", "results.disk_candidates"):
        logging.getLogger(f"fastphash.{name}").setLevel(logging.INFO)


def _check_address_space() -> None:
    """End the program before its libraries are loaded, if there is no room for them."""
    from fastphash.base.machine import LEAST_ADDRESS_SPACE, address_space

    limit = address_space()
    if limit is not None and limit < LEAST_ADDRESS_SPACE:
        raise click.ClickException(
            f"the limit of address space (ulimit -v) is {limit >> 10:,} kB, and libraries take "
            f"{LEAST_ADDRESS_SPACE >> 10:,} at least: raise it"
        )


class _LogToStderr(logging.Handler):
    """Prints to the stderr of the moment, so that a progress bar stays below the messages."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message; what is only news has no title."""
        title = "Warning: " if record.levelno >= logging.WARNING else ""
        click.echo(title + visible(self.format(record)), err=True)


for _command in (
    audit,
    report,
    clean,
    hash_,
    join,
    group,
    query,
    inspect,
    evaluate,
    calibrate,
    convert,
    info,
    demo,
):
    main.add_command(_command)
