"""`fastphash demo`."""

from pathlib import Path

import click

from fastphash.cli import options
from fastphash.cli.option_groups import SplitOptions
from fastphash.cli.signals import handle_signals
from fastphash.errors import UsageError

_WHAT_NEXT = [
    "Near copies are those whose thumbnails are alike: --min-score says how much.",
    "Try it on your own:",
]
_ON_YOUR_OWN = "fastphash audit train=DIR val=DIR -o audit"


@click.command("demo")
@options.folder_option(
    "FOLDER", "New folder for the images and their audit.", default="fastphash-demo"
)
@options.workers_option
def demo(out: Path, workers: int | None) -> None:
    """Make a data set with planted copies, audit it, and compare."""
    from fastphash import demo as planted
    from fastphash.audits.run import audit
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.next_steps import show_next_steps
    from fastphash.cli.output import show_lines, show_table
    from fastphash.cli.output_audit import show_audit
    from fastphash.ingest.options import IngestOptions

    handle_signals()
    if out.exists():
        raise UsageError(f"{str(out)!r} exists: name a new folder with -o")
    audit_folder = out / "audit"
    with ProgressScreen() as progress:
        copies = planted.make(out, progress)
        folders = (f"train={out / 'train'}", f"val={out / 'val'}")
        sources = SplitOptions(
            folders, files=(), separator=b"\n", hidden=False, image_column=None
        ).sources()
        result = audit(
            audit_folder, sources, ingest=IngestOptions(workers=workers), progress=progress
        )
    show_audit(result.summary, result.tallies, str(audit_folder))
    show_table(
        "Planted and found",
        ["copies", "planted", "found"],
        planted.compare_with_planted(audit_folder, copies),
    )
    show_next_steps(audit_folder, result.summary)
    show_lines("And then", _WHAT_NEXT, command=_ON_YOUR_OWN)
