"""`fastphash audit`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastphash.base.vocabulary import (
    ALTERED,
    CROPPED,
    KINDS,
    SURE_KINDS,
    VIEW_SETS,
)
from fastphash.cli import options
from fastphash.cli.engine_options import EngineOptions, engine_options
from fastphash.cli.hash_quality import quality_option
from fastphash.cli.option_groups import (
    AuditedCopyOptions,
    AuditOutput,
    HashOptions,
    KeeperOptions,
    LabelOptions,
    SplitOptions,
    gather,
)
from fastphash.cli.option_values import CANDIDATES, PRECISION, kinds_parser, parse_proposals
from fastphash.cli.signals import handle_signals
from fastphash.defaults import CANDIDATES as DEFAULT_CANDIDATES
from fastphash.defaults import LOOKS, RADIUS, VIEWS
from fastphash.defaults import PRECISION as DEFAULT_PRECISION
from fastphash.errors import UsageError

if TYPE_CHECKING:
    from fastphash.audits.run import Audit
    from fastphash.sources.protocol import Source

_LEAK_STATUS = 3
# modules whose workers an audit starts
_WORKERS = (
    "fastphash.ingest.worker",
    "fastphash.looks.run",
    "fastphash.results.preview_workers",
)
_FAIL_ON_LEAK = "--fail-on-leak"


class _OptionalKinds(click.Command):
    """Accepts ``--fail-on-leak`` with or without ``=KINDS``, and never takes the next word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give the option its default value if it has none."""
        with_kinds = f"{_FAIL_ON_LEAK}={options.SURE_KINDS_WORD}"
        return super().parse_args(
            ctx, [with_kinds if arg == _FAIL_ON_LEAK else arg for arg in args]
        )


@click.command("audit", cls=_OptionalKinds)
@options.split_options
@options.folder_option(
    "OUT",
    "Folder for the hashes and the results. In the folder of an earlier audit, only new and "
    "changed images are hashed.",
)
@options.keep_in_option()
@click.option(
    _FAIL_ON_LEAK,
    metavar="[=KINDS]",
    callback=kinds_parser(SURE_KINDS),
    help="Exit with status 3 if an image of one split has a copy of these kinds, or one by "
    f"decision, in another; without KINDS, {options.SURE_KINDS_WORD}. =+near adds a kind to these.",
)
@options.radius_option(
    None,
    "Largest Hamming distance of two copies.  [default: the largest at which an image has as many "
    "candidates by chance as --candidates allows, at most 16 of 64 bits, or 80 of 256, fewer in "
    f"large sets; if no thumbnails are compared, {RADIUS} by phash, 54 by its 256 bits, 31 by pdq, "
    "and 0 by others]",
)
@click.option(
    "--candidates",
    type=CANDIDATES,
    metavar="N",
    help="Candidates that an image may have by chance, on average, where these choose the radius: "
    "each is compared by its thumbnail. With more of them a large set is searched within more "
    f"bits, which takes longer.  [default: {DEFAULT_CANDIDATES:g}]",
)
@options.verify_options
@click.option(
    "--precision",
    type=PRECISION,
    metavar="SHARE",
    help="Share of near copies that are to be copies. If fewer are, by an estimate from the images "
    "at hand, the least score is raised, unless --min-score gives it.  "
    f"[default: {DEFAULT_PRECISION:g}]",
)
@click.option(
    "--views",
    type=click.Choice(VIEW_SETS),
    help="Windows of images that are compared with others, to find crops, bordered and shifted "
    "copies: none; the middles, and what is left without bars; or all, at the sides and corners "
    f"too.  [default: {VIEWS}; none if no thumbnails are compared]",
)
@click.option(
    "--looks",
    type=click.IntRange(min=0),
    metavar="N",
    help="Most pairs to compare at their pixels, the closest calls first. Sure copies come first: "
    "those that differ at a place, such as a caption or a number, are 'altered' and stay. Then "
    "come pairs that thumbnails leave in doubt: one for each 200 images, and more while pixels "
    "decide some.  "
    f"[default: {LOOKS:,}; 0 if no thumbnails are compared]",
)
@click.option(
    "--propose",
    callback=parse_proposals,
    metavar="FILE|HASH,...",
    help="Pairs that hashes may miss, to be compared at their pixels: a table (.parquet, .csv or "
    ".jsonl) with the columns split, path, other_split and other_path; or with split, path and "
    "vector, of any embedding. They come before other pairs in doubt. Or hashes that --hash makes, "
    "such as dhash,pdq: pairs that are near by any of them are compared, too.",
)
@options.grouping_option
@options.label_files_option(
    "--coco",
    "coco",
    "COCO file of a split. Copies whose annotations differ from their keeper's are listed as label "
    "conflicts. May be repeated.",
)
@options.label_files_option(
    "--labels",
    "tables",
    "Table of labels of a split: .csv, .parquet or .jsonl with a column path or file_name, label, "
    "and perhaps xmin, ymin, xmax and ymax. Compared as a COCO file is. May be repeated.",
)
@click.option(
    "--sidecar-labels/--no-sidecar-labels",
    default=True,
    help="Whether label files of single images are compared, too: YOLO, Pascal VOC, LabelMe or "
    ".cls, in splits without --coco and --labels.  [default: --sidecar-labels]",
)
@click.option(
    "--class-folders/--no-class-folders",
    default=None,
    help="Whether the first folder of a path is its label.  [default: if it looks like a label]",
)
@click.option(
    "--compare-masks",
    is_flag=True,
    help="Compare masks, too. Images in a folder called masks, labels or the like, beside pictures "
    "of the same names, are left out otherwise if they look like masks.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "json"]),
    default="parquet",
    show_default=True,
    help="Write leaks, groups and conflicts in this format too; json is JSON lines, an object a "
    "line, in files named .jsonl.",
)
@options.hash_options
@quality_option
@options.search_options
@engine_options
@options.scratch_option("OUT/scratch")
@options.json_option
@gather(
    splits=SplitOptions,
    copies=AuditedCopyOptions,
    keepers=KeeperOptions,
    labels=LabelOptions,
    hashing=HashOptions,
    output=AuditOutput,
    engine=EngineOptions,
)
def audit(
    splits: SplitOptions,
    output: AuditOutput,
    fail_on_leak: list[str],
    copies: AuditedCopyOptions,
    keepers: KeeperOptions,
    labels: LabelOptions,
    hashing: HashOptions,
    engine: EngineOptions,
) -> None:
    """Find all copies in splits of images, inside each split and across splits.

    A PLACE is a folder; a tar, tar.gz, zip or Parquet file with images; or several of these files:
    a pattern in quotes, or a name of a split that is given more than once. It may be an address:
    s3://BUCKET/FOLDER, gs://, abfs://, or of such a file also https://.

    \b
    Examples:
      fastphash audit train=data/train val=data/val -o audit
      fastphash audit 'train=shards/train-*.tar' val=val.zip -o audit
    """
    if output.scratch is not None and engine.on_spark:
        raise UsageError("--scratch is for --engine local: Spark has folders of its own")
    engine.check(explain=copies.explain, bits=hashing.compared_bits, workers=hashing.workers)
    sources = splits.sources(masks_by_name=not labels.compare_masks)
    _check_splits(sources, str(output.out), comparing=bool(fail_on_leak))
    engine.start_early()
    if not engine.on_spark:
        from fastphash.base.worker_start import start_early

        start_early(*_WORKERS)
    from fastphash.audits.run import audit as audit_splits
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_audit import show_leaks_of_kinds
    from fastphash.results.audit_folder import HASHES
    from fastphash.store.cleanup import has_work

    handle_signals(partial(has_work, output.out / HASHES))
    _check_looked_for(fail_on_leak, copies, blind=not (copies.verify and hashing.thumbnails))
    with ProgressScreen() as progress, engine.started(progress) as started:
        audit_options = copies.chosen(thumbnails=hashing.thumbnails).options(
            grouping=keepers.grouping,
            keep_in=keepers.keep_in,
            compare_masks=labels.compare_masks,
            min_quality=copies.min_quality,
            labels=labels.sources(),
            join=copies.join(progress),
            table_form=output.form,
            scratch=output.scratch,
        )
        result = audit_splits(
            output.out, sources, audit_options, hashing.ingest(), progress=progress, engine=started
        )
    if output.as_json:
        show_json(result.summary)
    else:
        _show(result, output.out)
    if fail_on_leak and show_leaks_of_kinds(result.summary, fail_on_leak):
        raise SystemExit(_LEAK_STATUS)


def _check_looked_for(kinds: "Sequence[str]", copies: AuditedCopyOptions, *, blind: bool) -> None:
    """Raise UsageError if leaks of these kinds count, but nothing looks for them."""
    unseen = "--no-verify and --no-thumbnails" if blind else ""
    for kind, without in (
        (KINDS[CROPPED], unseen or ("--views none" if copies.views == "none" else "")),
        (KINDS[ALTERED], unseen or ("--looks 0" if copies.looks == 0 else "")),
    ):
        if without and kind in kinds:
            raise UsageError(
                f"{_FAIL_ON_LEAK} counts {kind} copies, but nothing looks for them: leave out "
                f"{without}"
            )


def _check_splits(sources: "Sequence[Source]", out: str, *, comparing: bool) -> None:
    """Say which splits hold folders named as splits; UsageError if one split is to be compared."""
    from fastphash.cli.next_steps import split_folders_command
    from fastphash.sources.split_folders import find_split_folders, name_split_folders

    notes = [
        (
            f"{name_split_folders(source.split, folders)}. To find them, run",
            split_folders_command(source.split, folders, out, prefix=len(sources) > 1),
        )
        for source in sources
        if (folders := find_split_folders(source))
    ]
    if comparing and len(sources) == 1:
        reason = " ".join(notes[0]) if notes else "name another one, such as val=DIR"
        raise UsageError(
            f"{_FAIL_ON_LEAK} compares splits, and {sources[0].split!r} is the only one: {reason}"
        )
    for note, command in notes:
        click.echo(f"Note: {note}\n  {command}", err=True)


def _show(result: "Audit", out: Path) -> None:
    """Print what an audit found, what it could not look at, and how to go on."""
    from fastphash.cli.next_steps import show_next_steps
    from fastphash.cli.output_audit import show_audit
    from fastphash.cli.output_rejected import show_rejected, show_skipped, show_unread
    from fastphash.results.audit_folder import REJECTED_CSV

    show_audit(result.summary, result.tallies, str(out))
    show_rejected(result.rejected, result.summary["rejected"], str(out / REJECTED_CSV))
    splits = result.summary["splits"].values()
    left_out = ("skipped", "hidden", "excluded", "unfinished")
    show_skipped(*(sum(split[key] for split in splits) for key in left_out))
    show_unread(result.tallies)
    show_next_steps(out, result.summary)
