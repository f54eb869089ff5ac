"""`fastphash inspect`."""

import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from fastphash.cli import options
from fastphash.cli.signals import handle_signals
from fastphash.defaults import PORT
from fastphash.errors import FastphashError


@click.command("inspect")
@options.audit_argument
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST",
    help="Name or address to serve at. Unless it is this machine's own, anybody who knows the URL "
    "can see the images.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    metavar="PORT",
    help="Port to serve at; 0 takes any free port.",
)
@click.option("--no-browser", is_flag=True, help="Don't open the page in a browser.")
def inspect(folder: Path, host: str, port: int, no_browser: bool) -> None:
    """Look at the copies that an audit found, and decide about them, on a local web page.

    Decisions are stored in OUT/decisions.json, and later audits keep them.

    \b
    Example:
      fastphash inspect audit
    """
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.results.audit_folder import open_audit

    server = _import_server()
    from fastphash.inspector.access import is_loopback

    handle_signals()
    audited = open_audit(folder)
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(ProgressScreen())

        def ready(url: str) -> None:
            progress.stop()
            click.echo(url)
            if not is_loopback(host):
                click.echo(
                    f"Warning: served at {host}: anybody who knows the URL can see the images",
                    err=True,
                )
            click.echo("Ctrl-C stops it.", err=True)
            if not no_browser and _has_desktop():
                stack.enter_context(server.browser(url))

        server.serve(audited, host, port, ready, progress)


def _import_server() -> Any:
    """The inspector's server; where its libraries are missing, an error says what to install."""
    try:
        return importlib.import_module("fastphash.inspector.server")
    except ModuleNotFoundError as error:
        library = (error.name or "").split(".")[0]
        if library == "fastphash":
            raise
        raise FastphashError(
            f"{library} is not installed: install fastphash with its extra 'inspect', such as by "
            "pip install '.[inspect]' in a checkout"
        ) from error


def _has_desktop() -> bool:
    """Whether a browser would open where the user sees it."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
