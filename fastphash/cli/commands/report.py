"""`fastphash report`."""

from pathlib import Path

import click

from fastphash.cli import options
from fastphash.cli.file_options import OutputFile
from fastphash.cli.option_groups import gather
from fastphash.cli.signals import handle_signals
from fastphash.defaults import PICTURED


@click.command("report")
@options.audit_argument
@options.file_option(
    "File for the report.  [default: OUT/report.html, which is replaced]", required=False
)
@click.option(
    "--groups",
    type=click.IntRange(0, 10_000),
    default=PICTURED,
    show_default=True,
    metavar="N",
    help="Number of groups with pictures.",
)
@gather(output=OutputFile)
def report(folder: Path, output: OutputFile, groups: int) -> None:
    """Write what an audit found as one HTML page, with pictures.

    Every audit writes this page. Write it again to show more groups, or decisions and labels that
    came later.

    \b
    Example:
      fastphash report audit --groups 1000
    """
    output.check(".html", ".htm")
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.base.text import count
    from fastphash.report.page import write_report
    from fastphash.results.audit_folder import REPORT, open_audit

    handle_signals()
    audited = open_audit(folder)
    target = output.path or audited.folder / REPORT
    overwrite = output.overwrite or output.path is None
    with ProgressScreen() as progress:
        write_report(audited, target, groups=groups, overwrite=overwrite, progress=progress)
    shown = min(groups, audited.summary["groups"]["groups"])
    click.echo(f"{count(shown, 'group')} with pictures, in {target}")
