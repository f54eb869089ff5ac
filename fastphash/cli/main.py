"""Commands; they alone turn an error into an exit status."""

import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from fastphash.base.vocabulary import CLEAN_MODES, KINDS
from fastphash.cli import options
from fastphash.defaults import (
    CALIBRATED_PAIRS,
    NEAREST,
    PICTURED,
    PORT,
    PRECISION,
    RADIUS,
    SHOWN_PAIRS,
)
from fastphash.errors import FastphashError, UsageError

_LEAK_STATUS = 3
_SIGNAL_STATUS = 128
# commands that begin where an earlier run of theirs ended
_GOES_ON = ("audit", "clean", "hash")


class Commands(click.Group):
    """Lists commands in the order of the work, and says what went wrong in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of all commands, in the order in which they were added."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error)) from error
        except FastphashError as error:
            raise click.ClickException(str(error)) from error
        except MemoryError as error:
            raise click.ClickException("out of memory") from error
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            raise click.ClickException(f"{error.strerror or error}{where}") from error
        except KeyboardInterrupt:
            click.echo(f"\nInterrupted{_how_to_go_on(ctx.invoked_subcommand)}", err=True)
            ctx.exit(_SIGNAL_STATUS + signal.SIGINT)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fastphash")
def main() -> None:
    """Find every copy in an image data set: identical, rotated or mirrored, in a split and across.

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 leaks with --fail-on-leak.
    """
    logging.basicConfig(handlers=[_ToStderr()], format="Warning: %(message)s")


def _begin() -> None:
    """From here on signals are told of and tidied up after: until everything is imported, they
    just end the process, for nothing is begun, and an import doesn't always survive them.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)


def _how_to_go_on(command: str | None) -> str:
    return ": run the same command again to go on." if command in _GOES_ON else "."


def _terminate(number: int, _: Any) -> None:
    command = click.get_current_context().find_root().invoked_subcommand
    click.echo(f"\nTerminated{_how_to_go_on(command)}", err=True)
    sys.exit(_SIGNAL_STATUS + number)


class _ToStderr(logging.Handler):
    """Says what is logged on the stderr of the moment, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        click.echo(self.format(record), err=True)


class _Audit(click.Command):
    """Takes ``--fail-on-leak`` with and without ``=KINDS``, and never the next word for them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give the option its default value where it stands alone."""
        bare = "--fail-on-leak"
        return super().parse_args(
            ctx, [f"{bare}={options.SURE_KINDS}" if arg == bare else arg for arg in args]
        )


@main.command(cls=_Audit)
@options.source_options
@options.folder_option(
    "OUT", "Folder for the hashes and everything found; used again, only new images are hashed."
)
@options.keep_in_option()
@click.option(
    "--fail-on-leak",
    metavar="[=KINDS]",
    callback=options.kinds_callback,
    help=f"End with status 3 if images leak between splits by one of these kinds; without kinds, "
    f"{options.SURE_KINDS}.",
)
@options.radius_option(
    None,
    "Largest Hamming distance of two copies.  [default: so far that an image has ten "
    f"candidates by chance, 16 at most; {RADIUS} where nobody looks at them]",
)
@options.verify_options
@options.grouping_option
@options.coco_option(
    "COCO file of a split: copies whose annotations aren't their keeper's are listed as label "
    "conflicts. May be repeated."
)
@click.option(
    "--class-folders/--no-class-folders",
    default=None,
    help="Whether the first folder of a path is its label.  [default: where it looks like one]",
)
@options.hash_options
@options.join_options
@options.json_option
def audit(
    folders: tuple[str, ...],
    files: tuple[str, ...],
    null: bool,
    output: Path,
    keep_in: list[str],
    fail_on_leak: list[str],
    radius: int | None,
    min_score: float | None,
    no_verify: bool,
    grouping: Any,
    coco: dict[str, Path],
    class_folders: bool | None,
    workers: int | None,
    timeout: float,
    max_pixels: int,
    keep_missing: bool,
    memory: int | None,
    explain: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Find all copies in splits of images, inside each and across them.

    \b
    Example:
      fastphash audit train=data/train val=data/val -o audit
    """
    sources = options.sources(folders, files, null)
    from fastphash.audit.run import LabelSources
    from fastphash.audit.run import audit as run
    from fastphash.audit.summary import leaks_of
    from fastphash.cli.output import ProgressScreen, show_audit

    _begin()
    least = options.least_score(min_score, no_verify, how["no_thumbnails"])
    definition, layout = options.definition_and_layout(**how)
    with ProgressScreen() as progress:
        found = run(
            output,
            sources,
            definition=definition,
            layout=layout,
            keep_in=keep_in,
            radius=radius,
            min_score=least,
            grouping=grouping,
            labels=LabelSources(class_folders, coco),
            workers=workers,
            timeout=timeout,
            max_pixels=max_pixels,
            keep_missing=keep_missing,
            options=options.effort(memory, explain, progress),
            progress=progress,
        )
    if as_json:
        click.echo(json.dumps(found.summary, indent=2))
    else:
        show_audit(found.summary, found.tallies, str(output))
    if fail_on_leak and (leaked := leaks_of(found.summary, fail_on_leak)):
        click.echo(f"{leaked:,} leaks between splits ({', '.join(fail_on_leak)})", err=True)
        raise SystemExit(_LEAK_STATUS)


@main.command()
@options.audit_argument
@options.output_option(
    "File for the report.  [default: OUT/report.html, written anew]", required=False
)
@click.option(
    "--groups",
    type=click.IntRange(0, 10_000),
    default=PICTURED,
    show_default=True,
    metavar="N",
    help="Groups that are shown with pictures.",
)
def report(folder: Path, output: Path | None, overwrite: bool, groups: int) -> None:
    """Write what an audit found as one HTML page, with pictures.

    Every audit ends with it; again it shows more groups, and decisions and labels that came since.

    \b
    Example:
      fastphash report audit --groups 1000
    """
    if output is not None:
        options.check_free(output, overwrite)
    from fastphash.cli.output import ProgressScreen
    from fastphash.report.page import write_report
    from fastphash.results.audit_folder import REPORT, open_audit

    _begin()
    audited = open_audit(folder)
    target = output or folder / REPORT
    with ProgressScreen() as progress:
        write_report(audited, target, groups=groups, progress=progress)
    shown = min(groups, audited.summary["groups"]["groups"])
    click.echo(f"{shown:,} groups with pictures, in {target}")


@main.command()
@options.audit_argument
@click.argument(
    "target", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False)
)
@click.option(
    "--kinds",
    metavar="KIND,...",
    callback=options.kinds_callback,
    help="Plan: images go that are copies by one of these kinds; identical ones always do.  "
    f"[default: {options.SURE_KINDS}]",
)
@options.keep_in_option("those of the audit")
@click.option("--apply", "applying", is_flag=True, help="Do what the plan says.")
@click.option(
    "--to",
    "mode",
    type=click.Choice(CLEAN_MODES),
    help="Apply: lists of what stays; a clean tree of copies or links in DIR; or move what goes "
    "to DIR.  [default: lists]",
)
@click.option("--undo", is_flag=True, help="Move everything back that was moved.")
@options.coco_option(
    "Apply: write the COCO file of a split without the images that go. May be repeated.  "
    "[default: the files that the audit was given]"
)
@click.option("-0", "--null", is_flag=True, help="End names in lists with NUL bytes.")
@click.option("--absolute", is_flag=True, help="Write absolute names to lists.")
@click.option("--overwrite", is_flag=True, help="Replace lists and COCO files that exist.")
@options.join_options
@options.json_option
def clean(
    folder: Path,
    target: Path | None,
    kinds: list[str],
    keep_in: list[str],
    applying: bool,
    mode: Any,
    undo: bool,
    coco: dict[str, Path],
    null: bool,
    absolute: bool,
    overwrite: bool,
    memory: int | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Plan which copies go, then put the plan into effect. Nothing is ever deleted.

    The plan is OUT/plan.parquet: look at it, then add --apply. Decisions of `fastphash inspect`
    count, and splits keep their images as in the audit, unless --keep-in says otherwise.

    \b
    Examples:
      fastphash clean audit
      fastphash clean audit --apply
      fastphash clean audit cleaned --apply --to copy
      fastphash clean audit aside --apply --to move
      fastphash clean audit --undo
    """
    planning = bool(kinds or keep_in)
    if applying and planning:
        raise UsageError("--kinds and --keep-in are for the plan: make it anew without --apply")
    about_effect = mode or coco or null or absolute or overwrite
    if undo and (applying or planning or target or about_effect):
        raise UsageError("--undo stands alone: fastphash clean OUT --undo")
    if not applying and (target or about_effect):
        raise UsageError("nothing is written before the plan is applied: add --apply")
    if applying and target is None and mode not in (None, "lists"):
        raise UsageError(f"--to {mode} needs a folder: fastphash clean OUT DIR --apply --to {mode}")
    from fastphash.clean import apply
    from fastphash.clean import plan as cleaning
    from fastphash.cli.output import ProgressScreen, show_applied, show_plan
    from fastphash.files import parquet
    from fastphash.results.audit_folder import open_audit

    _begin()
    if not (applying or undo):
        audited = open_audit(folder)
        with ProgressScreen() as progress:
            effort = options.effort(memory, explain, progress)
            by = kinds or cleaning.SURE
            plan = cleaning.make_plan(audited, by=by, keep_in=keep_in or None, options=effort)
            parquet.write_table(folder / cleaning.PLAN, plan)
        counts, made = cleaning.plan_summary(plan), cleaning.made_by(plan)
        if as_json:
            click.echo(json.dumps({"splits": counts, **made}, indent=2))
        else:
            show_plan(counts, made, audited.summary, str(folder))
        return
    with ProgressScreen() as progress:
        if undo:
            applied = apply.undo_moves(folder, progress)
        else:
            audited = open_audit(folder)
            mode = mode or "lists"
            audit_files = audited.summary["labels"].get("coco", {}).get("files", {})
            applied = apply.apply_plan(
                apply.read_plan(audited),
                mode,
                target or folder / apply.CLEAN,
                null=null,
                absolute=absolute,
                coco=coco or {split: Path(path) for split, path in audit_files.items()},
                overwrite=overwrite,
                progress=progress,
            )
    if as_json:
        click.echo(json.dumps(applied.as_json(), indent=2))
    else:
        what = "moved back" if undo else str(mode)
        show_applied(applied.as_json(), what, str(folder / apply.SKIPPED))
    if applied.skipped or applied.rescued:
        raise SystemExit(1)


@main.command("hash")
@options.source_options
@options.folder_option(
    "STORE", "Folder of hashes; used again, only what is new or changed is hashed."
)
@options.hash_options
@options.json_option
def hash_(
    folders: tuple[str, ...],
    files: tuple[str, ...],
    null: bool,
    output: Path,
    workers: int | None,
    timeout: float,
    max_pixels: int,
    keep_missing: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Hash images into a store of Parquet files.

    \b
    Example:
      fastphash hash train=data/train -o hashes
    """
    sources = options.sources(folders, files, null)
    from dataclasses import asdict

    from fastphash.audit.run import check_images
    from fastphash.audit.summary import reasons
    from fastphash.cli.output import ProgressScreen, count, show_reasons, show_table
    from fastphash.ingest.api import hash_into
    from fastphash.store.store import open_store

    _begin()
    definition, layout = options.definition_and_layout(**how)
    with ProgressScreen() as progress:
        tallies = hash_into(
            output,
            sources,
            definition=definition,
            layout=layout,
            workers=workers,
            timeout=timeout,
            max_pixels=max_pixels,
            keep_missing=keep_missing,
            progress=progress,
        )
    if as_json:
        click.echo(json.dumps({name: asdict(tally) for name, tally in tallies.items()}, indent=2))
    else:
        columns = ["inputs", "hashed", "kept", "rejected", "skipped", "changed", "gone"]
        columns += ["missing"] * keep_missing
        show_table(
            f"Hashed into {output}",
            ["split", *columns],
            [
                [name, *(count(getattr(tally, column)) for column in columns)]
                for name, tally in tallies.items()
            ],
        )
        rejected = open_store(output).rejected()
        show_reasons(reasons(rejected), sum(tally.skipped for tally in tallies.values()))
    check_images(sources, tallies)


@main.command()
@click.argument("needles")
@click.argument("haystack")
@options.output_option("File for the pairs.")
@options.radius_option(0, "Largest Hamming distance of a pair.")
@options.max_pairs_option("Stop if there are more pairs than this, of whatever kinds.")
@options.format_option("Parquet, or JSON as the paper's compare_hashes.py writes it.")
@click.option(
    "--kinds",
    metavar="KIND,...",
    callback=options.kinds_callback,
    help=f"Write only pairs of these kinds: {', '.join(KINDS)}.  [default: all]",
)
@options.verify_options
@options.join_options
@options.json_option
def join(
    needles: str,
    haystack: str,
    output: Path,
    overwrite: bool,
    radius: int,
    max_pairs: int,
    form: str,
    kinds: list[str],
    min_score: float | None,
    no_verify: bool,
    memory: int | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Find every pair of a needle and a haystack image.

    NEEDLES and HAYSTACK are stores, STORE@SPLIT, or Parquet files with path and phash.

    \b
    Example:
      fastphash join hashes@val hashes@train -o pairs.parquet
    """
    options.check_free(output, overwrite)
    least = options.least_score(min_score, no_verify)
    from fastphash.cli.output import ProgressScreen, count, show_table, show_unseen
    from fastphash.files import atomic, parquet
    from fastphash.results import schemas
    from fastphash.results.pairs import CountingTables, filter_kinds, find_pairs
    from fastphash.store import convert
    from fastphash.store.open import read_hashes, same_rows

    _begin()
    if same_rows(needles, haystack):
        raise UsageError("needles and haystack are the same: `fastphash group` finds copies in one")
    left, right = read_hashes(needles), read_hashes(haystack)
    options.check_thumbnails(min_score, {needles: left, haystack: right})
    wanted = kinds or list(KINDS)
    with ProgressScreen() as progress:
        effort = options.effort(memory, explain, progress)
        every = find_pairs(left, right, radius, max_pairs, least, effort)
        pairs = CountingTables(filter_kinds(every, wanted))
        if form == "parquet":
            counts = parquet.write_tables(output, schemas.PAIRS_SCHEMA, pairs, count_by="kind")
        else:
            table = parquet.concat(schemas.PAIRS_SCHEMA, pairs)
            counts = parquet.count_values(table["kind"])
            atomic.write_json(output, convert.paper_matches(left, table))
    found = {kind: counts.get(kind, 0) for kind in wanted}
    if as_json:
        result = {"pairs": sum(found.values()), "kinds": found, "unseen": pairs.unseen}
        click.echo(json.dumps(result, indent=2))
    else:
        shown = {kind: n for kind, n in found.items() if radius or n or kind != "near"}
        show_table(
            f"Pairs of {len(left):,} needles and {len(right):,} haystack images, in {output}",
            ["", *shown, "all"],
            [["pairs", *map(count, shown.values()), count(sum(found.values()))]],
        )
        show_unseen(0 if no_verify else pairs.unseen)


@main.command()
@click.argument("stores", nargs=-1, required=True, metavar="STORE...")
@options.output_option("File for the groups.")
@options.radius_option(0, "Largest Hamming distance of two copies.")
@options.grouping_option
@options.keep_in_option()
@options.format_option("Parquet, or JSON as the paper's inspect_hashes.py writes it.")
@options.verify_options
@options.join_options
@options.json_option
def group(
    stores: tuple[str, ...],
    output: Path,
    overwrite: bool,
    radius: int,
    grouping: Any,
    keep_in: list[str],
    form: str,
    min_score: float | None,
    no_verify: bool,
    memory: int | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Group the copies in one store or several; one image of each group is its keeper.

    A STORE may be STORE@SPLIT, or a Parquet file with path and phash.

    \b
    Example:
      fastphash group hashes -o groups.parquet
    """
    options.check_free(output, overwrite)
    least = options.least_score(min_score, no_verify)
    from fastphash.cli.output import ProgressScreen, count, show_table, show_unseen
    from fastphash.files import atomic, parquet
    from fastphash.results.groups import candidates, group_rows, priority
    from fastphash.results.pairs import count_unseen
    from fastphash.store import convert
    from fastphash.store.open import read_together

    _begin()
    rows = read_together(list(stores))
    options.check_thumbnails(min_score, {" ".join(stores): rows})
    order = priority(rows, keep_in)
    with ProgressScreen() as progress:
        effort = options.effort(memory, explain, progress)
        ranked = candidates(rows, order, radius, effort)
        found = group_rows(ranked, radius, grouping, least, effort).table()
    if form == "parquet":
        parquet.write_table(output, found)
    else:
        atomic.write_json(output, convert.paper_groups(rows, found))
    kinds = parquet.count_values(found["kind"])
    groups = found.num_rows - sum(kinds.values())
    unseen = count_unseen(found)
    if as_json:
        result = {"images": len(rows), "groups": groups, "copies": kinds, "unseen": unseen}
        click.echo(json.dumps(result, indent=2))
    else:
        show_table(
            f"Groups, in {output}",
            ["", "images", "groups", *(kinds or ["copies"])],
            [
                [
                    "",
                    count(len(rows)),
                    count(groups),
                    *(map(count, kinds.values()) if kinds else "-"),
                ]
            ],
        )
        show_unseen(0 if no_verify else unseen)


@main.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--in", "store", required=True, metavar="STORE", help="Store, or STORE@SPLIT, to look in."
)
@options.radius_option(None, "Name none further away than this.  [default: at any distance]")
@click.option(
    "-k",
    type=click.IntRange(min=1),
    default=NEAREST,
    show_default=True,
    metavar="K",
    help="How many stored images to name for each.",
)
@options.join_options
@options.json_option
def query(
    images: tuple[str, ...],
    store: str,
    radius: int | None,
    k: int,
    memory: int | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Find the stored images nearest to an image, or to several, in any orientation.

    \b
    Example:
      fastphash query photo.jpg --in audit/hashes
    """
    from fastphash.audit.query import nearest
    from fastphash.cli.output import ProgressScreen, show_nearest
    from fastphash.store.open import read_hashes

    _begin()
    stored = read_hashes(store)
    with ProgressScreen() as progress:
        effort = options.effort(memory, explain, progress)
        found, rejected = nearest(
            images, stored, radius=radius, k=k, options=effort, progress=progress
        )
    if as_json:
        rows = found.drop_columns(["path_bytes"]).to_pylist()
        click.echo(json.dumps(rows, indent=2))
    else:
        gone = {os.fsdecode(path) for path, _, _ in rejected}
        show_nearest(found.to_pylist(), [image for image in images if image not in gone])
    if rejected:
        for path, stage, reason in rejected:
            name = path.decode(errors="replace")
            click.echo(f"Error: {name!r} gives no hash: {stage}: {reason}", err=True)
        raise SystemExit(1)


@main.command()
@options.audit_argument
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST",
    help="Name or address to serve at; unless it is this machine's own, anybody with the URL can "
    "see the images.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    metavar="PORT",
    help="Port to serve at; 0 takes any that is free.",
)
@click.option("--no-browser", is_flag=True, help="Don't open the page in a browser.")
def inspect(folder: Path, host: str, port: int, no_browser: bool) -> None:
    """Look at the copies that an audit found, and decide about them, on a local web page.

    Decisions are kept in OUT/decisions.json, and the next audit doesn't lose them.

    \b
    Example:
      fastphash inspect audit
    """
    from fastphash.cli.output import ProgressScreen
    from fastphash.results.audit_folder import open_audit

    server = options.optional_module("fastphash.inspector.server", "inspect")
    from fastphash.inspector.access import is_loopback

    _begin()
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
            if not no_browser and options.has_desktop():
                stack.enter_context(server.browser(url))

        server.serve(audited, host, port, ready, progress)


@main.command()
@options.audit_argument
@click.argument("truth", metavar="TRUTH", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder for the figures, all pairs, curves and a page of unlisted pairs; an evaluation "
    "that is there is replaced.  [default: OUT/evaluation]",
)
@click.option("--overwrite", is_flag=True, help="Write into FOLDER whatever else is in it.")
@options.radius_option(None, "Judge an audit of this radius instead.  [default: as the audit]")
@options.max_pairs_option("Stop if there are more candidates than this.")
@click.option(
    "--shown",
    type=click.IntRange(0, 2000),
    default=SHOWN_PAIRS,
    show_default=True,
    metavar="N",
    help="Unlisted pairs on the page.",
)
@options.join_options
@options.json_option
def evaluate(
    folder: Path,
    truth: Path,
    output: Path | None,
    overwrite: bool,
    radius: int | None,
    max_pairs: int,
    shown: int,
    memory: int | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Hold an audit against a table of true pairs: what of it is right, and what it missed.

    TRUTH is a CSV file with the columns needle and haystack, and kind if you like. Images are
    named SPLIT/PATH, by the names of their files, absolute or from the working directory, or by
    paths that one split alone has.

    Recall is of the pairs that are listed. A pair that follows from listed ones (a of b, b of c),
    or of the same bytes, is never counted as false.

    \b
    Example:
      fastphash evaluate audit truth.csv
    """
    from fastphash.cli.output import MISSED, ProgressScreen, show_evaluation
    from fastphash.evaluation import evaluate as evaluation
    from fastphash.evaluation.truth import read_truth
    from fastphash.results.audit_folder import EVALUATION, open_audit

    _begin()
    audited = open_audit(folder)
    target = output or folder / EVALUATION
    evaluation.check_folder(target, overwrite=overwrite)
    listed = read_truth(truth, audited)
    with ProgressScreen() as progress:
        effort = options.effort(memory, explain, progress)
        found = evaluation.evaluate(
            audited, listed, radius=radius, max_pairs=max_pairs, options=effort, progress=progress
        )
        evaluation.write_evaluation(found, audited, target, shown=shown, progress=progress)
    if as_json:
        click.echo(json.dumps(found.summary, indent=2))
    else:
        show_evaluation(found.summary, found.missed(MISSED), str(truth), str(target))


@main.command()
@click.argument("store")
@options.radius_option(
    None, "Look at pairs this near.  [default: as far as an image has ten by chance]"
)
@click.option(
    "--precision",
    type=options.Number(0, 1, min_open=True, max_open=True),
    default=PRECISION,
    show_default=True,
    metavar="SHARE",
    help="Recommend thresholds at which this share of pairs are copies.",
)
@click.option(
    "--max-pairs",
    type=click.IntRange(min=1),
    default=CALIBRATED_PAIRS,
    metavar="N",
    help="Look at no more pairs than this: where there are more, at those of fewer images.  "
    f"[default: {CALIBRATED_PAIRS:,}]",
)
@options.output_option("Draw the shares of copies as SVG.", required=False)
@options.join_options
@options.json_option
def calibrate(
    store: str,
    radius: int | None,
    precision: float,
    max_pairs: int,
    output: Path | None,
    overwrite: bool,
    memory: int | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Estimate how many near pairs in a store are copies, and how many are near by chance.

    No table of true copies is needed: README says what is assumed instead. STORE may be
    STORE@SPLIT, or a Parquet file with path and phash.

    \b
    Example:
      fastphash calibrate audit/hashes -o calibration.svg
    """
    if output is not None:
        options.check_free(output, overwrite)
    from fastphash.cli.output import ProgressScreen, show_calibration
    from fastphash.evaluation import calibrate as calibration
    from fastphash.report.svg import write_curves
    from fastphash.store.open import read_hashes

    _begin()
    rows = read_hashes(store)
    with ProgressScreen() as progress:
        found = calibration.calibrate(
            rows,
            radius,
            max_pairs=max_pairs,
            options=options.effort(memory, explain, progress),
            progress=progress,
        )
    summary = found.summary(precision)
    if output is not None and (panels := found.panels(precision)):
        write_curves(output, panels)
    elif output is not None:
        click.echo(f"Without pairs there is nothing to draw: {output} wasn't written", err=True)
    if as_json:
        click.echo(json.dumps(summary, indent=2))
    else:
        show_calibration(summary, store)


@main.command()
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "vouched",
    metavar="imagehash[:PASS_ORDER]",
    help="Vouch that ImageHash made the hashes, so that they join with ours: under Pillow up to "
    "12.1 (horizontal), 12.2 and 12.3 (pillow12.2) or 13 (pillow13, the default).",
)
@click.option(
    "--split", default=None, metavar="NAME", help="Name of the split.  [default: of the file]"
)
@click.option("--augmented", is_flag=True, help="Write six orientations of each image to JSON.")
@click.option("--overwrite", is_flag=True, help="Replace a JSON file that exists.")
def convert(
    source: str,
    target: Path,
    vouched: str | None,
    split: str | None,
    augmented: bool,
    overwrite: bool,
) -> None:
    """Convert hash files of other tools to stores, and stores to theirs.

    IN is JSON as the paper's compute_hashes.py or compute_hashes_augmented.py writes it, or a
    Parquet file with path and phash, and OUT a new store; or IN is a store and OUT a .json file.

    \b
    Examples:
      fastphash convert hashes_train.json train --as imagehash:horizontal
      fastphash convert hashes@train hashes_train.json
    """
    from fastphash.hashing.definition import FOREIGN, asserted
    from fastphash.store.convert import export_hashes, import_hashes
    from fastphash.store.open import read_hashes

    _begin()
    path = Path(source)
    if not path.exists() and "@" not in source:
        raise UsageError(f"no such file or store: {source!r}")
    if path.is_file():
        definition = asserted(vouched) if vouched else FOREIGN
        rows = import_hashes(path, target, split=split, definition=definition)
        click.echo(f"{rows:,} images to {target}, hashes {definition}")
        return
    if target.suffix.lower() != ".json":
        raise UsageError(f"a store is converted to a .json file, not to {target.name!r}")
    if vouched or split:
        raise UsageError("--as and --split are for files that become stores")
    rows_of = read_hashes(source)
    options.check_free(target, overwrite)
    entries = export_hashes(rows_of, target, augmented=augmented)
    click.echo(f"{entries:,} entries to {target}")


@main.command()
@click.argument("store")
@options.json_option
def info(store: str, as_json: bool) -> None:
    """Show what is in a store and how its hashes were made."""
    from fastphash.cli.output import count, show_lines, show_table
    from fastphash.store.open import read_hashes, summarise_hashes

    _begin()
    found = summarise_hashes(read_hashes(store))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    show_table(
        store,
        ["split", "images", "rejected", "root"],
        [
            [name, count(split["images"]), count(split["rejected"]), split["root"]]
            for name, split in found["splits"].items()
        ],
    )
    lines = [
        f"definition: {found['definition']}",
        f"orientations: {', '.join(found['orientations'])}",
        f"thumbnails: {'yes' if found['thumbnails'] else 'no'}",
    ]
    if found["multiframe"]:
        lines.append(
            f"{found['multiframe']:,} images have several frames or pages: the first was hashed"
        )
    if found["unusual_hashes"]:
        lines.append(
            f"{found['unusual_hashes']:,} hashes don't have 32 of 64 bits set: "
            "flat or symmetric images"
        )
    show_lines("Hashes", lines)


@main.command()
@options.folder_option(
    "FOLDER", "New folder for the images and their audit.", default="fastphash-demo"
)
@options.workers_option
def demo(output: Path, workers: int | None) -> None:
    """Make a data set with planted copies, audit it, and compare."""
    from fastphash import demo as planted
    from fastphash.audit.run import audit as run
    from fastphash.cli.output import ProgressScreen, show_audit, show_lines, show_table

    _begin()
    if output.exists():
        raise UsageError(f"{str(output)!r} exists: name a new folder with -o")
    with ProgressScreen() as progress:
        truth = planted.make(output, progress)
        sources = options.sources(
            (f"train={output / 'train'}", f"val={output / 'val'}"), (), null=False
        )
        found = run(output / "audit", sources, workers=workers, progress=progress)
    show_audit(found.summary, found.tallies, str(output / "audit"))
    show_table(
        "Planted and found",
        ["copies", "planted", "found"],
        planted.compare_with_planted(output / "audit", truth),
    )
    show_lines("What next", planted.NOTES)
