"""`fastphash clean`: plan, apply, undo."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastphash.base.vocabulary import CLEAN_MODES, CONFLICT_RULES, KINDS, SURE_KINDS, UNLOOKED
from fastphash.cli import options
from fastphash.cli.option_groups import (
    ApplyOptions,
    PlanOptions,
    SearchOptions,
    any_given,
    gather,
)
from fastphash.cli.option_values import FOLDER, parse_folder
from fastphash.cli.signals import handle_signals
from fastphash.errors import UsageError

if TYPE_CHECKING:
    from fastphash.clean.outcome import Applied
    from fastphash.results.audit_folder import AuditFolder


@click.command("clean")
@options.audit_argument
@click.argument("target", metavar="[DIR]", required=False, type=FOLDER, callback=parse_folder)
@options.kinds_option(
    "Plan: copies of these kinds go; identical copies always go. +near adds a kind to the default, "
    "-augmented takes one away. exact and augmented copies go only if the audit compared their "
    "pixels; +unlooked, or unlooked in a list of kinds, adds the others.  "
    f"[default: {options.SURE_KINDS_WORD}]",
    SURE_KINDS,
    always=KINDS[:1],
    further=(UNLOOKED,),
)
@options.keep_in_option("that of the audit")
@click.option(
    "--conflicts",
    type=click.Choice(CONFLICT_RULES),
    help="Plan: whether copies stay whose labels disagree.  [default: keep]",
)
@click.option("--apply", "applying", is_flag=True, help="Put the plan into effect.")
@click.option(
    "--to",
    "mode",
    type=click.Choice(CLEAN_MODES),
    help="Apply: write lists of what stays; make a clean tree of copies or links in DIR; or move "
    "what goes to DIR. Trees get new tar, zip and Parquet files without what goes; of these, links "
    "are made only where nothing goes. A move leaves images in them where they are.  "
    "[default: lists]",
)
@click.option("--undo", is_flag=True, help="Move back everything that was moved.")
@options.label_files_option(
    "--coco",
    "coco",
    "Apply: COCO file of a split; a copy without the images that go is written. May be "
    "repeated.  [default: the files that the audit was given]",
)
@options.label_files_option(
    "--labels",
    "tables",
    "Apply: table of labels of a split (.csv, .parquet, .jsonl); a copy without the rows of images "
    "that go is written. May be repeated.  [default: the tables that the audit was given]",
)
@click.option(
    "--drop-rejected",
    is_flag=True,
    help="Apply: of tar, zip and Parquet files leave out also what gave no hash, as rows without "
    "an image. It stays otherwise.",
)
@click.option("-0", "--null", is_flag=True, help="End names in lists with NUL bytes.")
@click.option("--absolute", is_flag=True, help="Write absolute names to lists.")
@click.option("--overwrite", is_flag=True, help="Replace lists and label files that exist.")
@options.search_options
@options.json_option
@gather(planning=PlanOptions, effect=ApplyOptions, search=SearchOptions)
def clean(
    folder: Path,
    target: Path | None,
    planning: PlanOptions,
    applying: bool,
    effect: ApplyOptions,
    undo: bool,
    search: SearchOptions,
    as_json: bool,
) -> None:
    """Plan which copies go, then put the plan into effect. Nothing is ever deleted.

    The plan is OUT/plan.parquet: look at it, then add --apply. Decisions made with
    `fastphash inspect` count. The order of splits is that of the audit, unless --keep-in gives
    another. tar, zip and Parquet files are never edited: --to copy writes new ones.

    \b
    Examples:
      fastphash clean audit
      fastphash clean audit --apply
      fastphash clean audit cleaned --apply --to copy
      fastphash clean audit aside --apply --to move
      fastphash clean audit --undo
    """
    effect_given = target is not None or any_given(effect)
    if applying and any_given(planning):
        raise UsageError(
            "--kinds, --keep-in and --conflicts are for the plan: make a new plan without --apply"
        )
    if undo and (applying or any_given(planning) or effect_given):
        raise UsageError(f"--undo stands alone: {_command(folder)} --undo")
    if not applying and effect_given:
        raise UsageError("nothing is written before the plan is applied: add --apply")
    mode = effect.mode
    if applying and target is None and mode not in (None, "lists"):
        raise UsageError(f"--to {mode} needs a folder: {_command(folder)} DIR --apply --to {mode}")
    if undo:
        _undo(folder, as_json=as_json)
    elif applying:
        _apply(folder, target, effect, as_json=as_json)
    else:
        _plan(folder, planning, search, as_json=as_json)


def _command(folder: Path) -> str:
    from fastphash.cli.next_steps import shell_word

    return f"fastphash clean {shell_word(folder)}"


def _plan(folder: Path, planning: PlanOptions, search: SearchOptions, *, as_json: bool) -> None:
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.clean.api import plan_audit
    from fastphash.clean.plan import PLAN
    from fastphash.clean.plan_counts import list_disagreements
    from fastphash.cli.output import show_json
    from fastphash.cli.output_clean import DISAGREEMENTS_SHOWN, show_plan
    from fastphash.files.parquet import write_table
    from fastphash.results.audit_folder import open_audit

    handle_signals()
    audited = open_audit(folder)
    with ProgressScreen() as progress:
        plan, summary = plan_audit(
            audited,
            planning.kinds or SURE_KINDS,
            planning.keep_in or None,
            planning.conflicts or "keep",
            search.join(progress),
            progress,
        )
        write_table(audited.folder / PLAN, plan)
    if as_json:
        show_json(summary)
    else:
        disagreeing = list_disagreements(plan, DISAGREEMENTS_SHOWN)
        show_plan(summary["splits"], summary, audited.summary, str(audited.folder), disagreeing)


def _apply(folder: Path, target: Path | None, effect: ApplyOptions, *, as_json: bool) -> None:
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.clean.apply import apply_plan
    from fastphash.clean.checked_plan import read_plan
    from fastphash.clean.drafts import CLEAN
    from fastphash.clean.plan import PLAN
    from fastphash.results.audit_folder import open_audit

    handle_signals()
    mode = effect.mode or "lists"
    with ProgressScreen() as progress:
        audited = open_audit(folder)
        folder = audited.folder
        if not (folder / PLAN).exists():
            raise UsageError(f"no plan in {str(folder)!r}: make one without --apply first")
        target = target or folder / CLEAN
        applied = apply_plan(
            read_plan(audited, drop_rejected=effect.drop_rejected),
            mode,
            target,
            null=effect.null,
            absolute=effect.absolute,
            labels=_label_files(audited, effect),
            overwrite=effect.overwrite,
            progress=progress,
        )
    _finish(applied, mode, folder, target, as_json=as_json)


def _label_files(audited: "AuditFolder", effect: ApplyOptions) -> dict[str, Path]:
    """The COCO file or table of each split that has one; UsageError if one has both."""
    from fastphash.clean.label_sources import label_files
    from fastphash.labels.label_table import is_table

    for split in effect.coco.keys() & effect.tables.keys():
        raise UsageError(f"split {split!r} has a COCO file and a table: name one of them")
    for split, path in {**effect.coco, **effect.tables}.items():
        if is_table(path) != (split in effect.tables):
            raise UsageError(
                f"{str(path)!r} is no {'table' if split in effect.tables else 'COCO file'} by its "
                "name: --coco takes .json, --labels .csv, .parquet and .jsonl"
            )
    given = {**effect.coco, **effect.tables}
    coco = effect.coco or label_files(audited, "coco")
    tables = effect.tables or label_files(audited, "tables")
    return {**coco, **tables, **given}


def _undo(folder: Path, *, as_json: bool) -> None:
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.clean.undo import undo_moves
    from fastphash.results.audit_folder import audit_at

    handle_signals()
    folder = audit_at(folder)
    with ProgressScreen() as progress:
        applied = undo_moves(folder, progress)
    _finish(applied, "moved back", folder, as_json=as_json)


def _finish(
    applied: "Applied", what: str, folder: Path, target: Path | None = None, *, as_json: bool
) -> None:
    """Print what was done, and where; exit with status 1 if anything was not as planned."""
    from fastphash.clean.skipped import SKIPPED
    from fastphash.cli.output import show_json
    from fastphash.cli.output_clean import show_applied, show_place

    if as_json:
        show_json(applied.as_json())
    else:
        show_applied(applied.as_json(), what, str(folder / SKIPPED))
        if target and applied.done + applied.already:
            show_place(what, target, folder, applied.places)
    if applied.not_as_planned:
        raise SystemExit(1)
