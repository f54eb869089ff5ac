"""Options that several commands share, as decorators: what may be said, and what it means.

`option_values` turns the words into values.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from fastphash.base.vocabulary import PASS_ORDERS, SURE_KINDS
from fastphash.cli import option_values as values
from fastphash.cli.hash_names import algorithm_options
from fastphash.cli.input_options import all_options, depth_options, masks_option, pattern_options
from fastphash.defaults import LEAST_MEMORY, MAX_PAIRS, MAX_PIXELS, MIN_SCORE, TIMEOUT

F = TypeVar("F", bound=Callable[..., Any])

#: `SURE_KINDS` as they are written on the command line.
SURE_KINDS_WORD = ",".join(SURE_KINDS)


def _without_option(name: str, text: str) -> Callable[[F], F]:
    """``--no-NAME``, which is False for the library."""
    return click.option(f"--no-{name}", name, is_flag=True, callback=values.parse_no, help=text)


def image_column_option(command: F) -> F:
    """``--image-column``."""
    return click.option(
        "--image-column",
        metavar="NAME",
        help="Column of Parquet files that holds the images, or their bytes; a dot separates the "
        "parts of a nested one.  [default: the only one that may]",
    )(command)


def key_option(command: F) -> F:
    """``--key``."""
    return click.option(
        "--key",
        metavar="RULE|COLUMN",
        help="How the samples of tar, zip and Parquet files get their names, so that images of one "
        "sample stay or go together in tar and zip: the member's path up to the first-dot of its "
        "file name, up to its last-dot, or its full-name; or a column of Parquet files.  [default: "
        "first-dot in tar files, as WebDataset has it, last-dot in zip files; in Parquet files the "
        "path beside the bytes]",
    )(command)


def split_options(command: F) -> F:
    """Places of splits, and what is taken of them: see `SplitOptions`."""
    return all_options(
        click.option(
            "--hidden",
            is_flag=True,
            help="Take hidden files and folders of a PLACE, too (.git, ._x.jpg, __MACOSX). They "
            "are left out otherwise.",
        ),
        pattern_options,
        masks_option,
        image_column_option,
        key_option,
        click.option(
            "-0",
            "--null",
            "separator",
            is_flag=True,
            callback=values.parse_separator,
            help="Paths in --files end with NUL bytes, as find -print0 writes them.",
        ),
        click.option(
            "--files",
            multiple=True,
            is_eager=True,
            metavar="[SPLIT=]LIST",
            help="Add a split: a file with one path per line, or - for standard input. May be "
            "repeated.",
        ),
        # eager, as --files is: without either, that is said before anything else is asked for
        click.argument(
            "folders",
            nargs=-1,
            metavar="[SPLIT=]PLACE...",
            is_eager=True,
            callback=values.parse_split_folders,
        ),
    )(command)


def workers_option(command: F) -> F:
    """``--workers``."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Worker processes.  [default: one per core, fewer if memory is short]",
    )(command)


def layout_options(command: F) -> F:
    """Which optional columns a store has: see `HashOptions`."""
    return all_options(
        _without_option("orientations", "Don't look for rotated and mirrored copies."),
        _without_option(
            "thumbnails",
            "Keep no thumbnails. The store has a tenth of the size, but nothing tells copies from "
            "other images with the same hash.",
        ),
    )(command)


def hash_options(command: F) -> F:
    """How to hash, and what to keep: see `HashOptions`."""
    return all_options(
        algorithm_options,
        click.option(
            "--decode",
            type=click.Choice(["full", "reduced"]),
            default="full",
            show_default=True,
            help="full hashes as ImageHash does. reduced decodes JPEGs to a smaller grey image: "
            "such hashes have another definition.",
        ),
        click.option(
            "--pass-order",
            type=click.Choice(PASS_ORDERS),
            default="pillow13",
            show_default=True,
            help="Reproduce the resize of Pillow up to 12.1, of 12.2 and 12.3, or of 13.",
        ),
        click.option("--exif", is_flag=True, help="Turn images as their EXIF orientation says."),
        depth_options,
        layout_options,
        workers_option,
        click.option(
            "--timeout",
            type=values.SECONDS,
            default=TIMEOUT,
            metavar="SECONDS",
            help="Stop a worker that takes longer for one image. An image that takes longer twice "
            f"is rejected.  [default: {TIMEOUT:g}]",
        ),
        click.option(
            "--max-pixels",
            type=click.IntRange(min=1),
            default=MAX_PIXELS,
            metavar="N",
            help="Reject images with more pixels, without decoding them.  "
            f"[default: {MAX_PIXELS:,}, as Pillow]",
        ),
        click.option(
            "--keep-missing", is_flag=True, help="Keep the hashes of files that are gone."
        ),
        click.option(
            "--rehash",
            is_flag=True,
            help="Read all files again, also those whose size, times and inode haven't changed.",
        ),
    )(command)


def folder_option(metavar: str, text: str, default: str | None = None) -> Callable[[F], F]:
    """``-o FOLDER``; required unless there is a default."""
    shown: dict[str, Any] = {"default": default, "show_default": True} if default else {}
    return click.option(
        "-o",
        "--output",
        "out",
        type=values.FOLDER,
        callback=values.parse_folder,
        required=not default,
        metavar=metavar,
        help=text,
        **shown,
    )


def file_option(text: str, *, required: bool = True) -> Callable[[F], F]:
    """``-o FILE`` and ``--overwrite``: see `OutputFile`."""
    return all_options(
        click.option(
            "-o",
            "--output",
            "path",
            type=values.FILE,
            required=required,
            metavar="FILE",
            help=text,
        ),
        click.option("--overwrite", is_flag=True, help="Replace FILE if it exists."),
    )


def table_file_option(text: str, *others: str, required: bool = True) -> Callable[[F], F]:
    """``-o FILE``, ``--overwrite`` and ``--format``: see `TableFile`.

    `others` are formats besides those of every table.
    """
    return all_options(
        file_option(
            f"{text} Its ending says the format: .parquet, .csv, or .jsonl (JSON lines).",
            required=required,
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(["parquet", "csv", "json", *others]),
            help="Format of FILE; json is JSON lines, an object a line"
            + "; hash-and-search is the JSON of the paper's scripts" * bool(others)
            + ".  [default: as the ending says; parquet without one]",
        ),
    )


def json_option(command: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )


def audit_argument(command: F) -> F:
    """``OUT``, the folder of an audit."""
    return click.argument("folder", metavar="OUT", type=values.FOLDER)(command)


def radius_option(default: int | None, text: str) -> Callable[[F], F]:
    """``--radius``."""
    return click.option(
        "--radius",
        type=values.RADIUS,
        default=default,
        show_default=True,
        metavar="BITS",
        help=text,
    )


def verify_options(command: F) -> F:
    """Whether thumbnails of near pairs are compared, and how alike they must be."""
    return all_options(
        click.option(
            "--min-score",
            type=values.SCORE,
            metavar="SCORE",
            help=f"Least similarity of the thumbnails of near copies.  [default: {MIN_SCORE:g}]",
        ),
        _without_option(
            "verify", "Don't compare thumbnails: near pairs are copies by their distance alone."
        ),
    )(command)


def max_pairs_option(text: str) -> Callable[[F], F]:
    """``--max-pairs``."""
    return click.option(
        "--max-pairs",
        type=click.IntRange(min=0),
        default=MAX_PAIRS,
        metavar="N",
        help=f"{text}  [default: {MAX_PAIRS:,}]",
    )


def search_options(command: F) -> F:
    """What a search may use, and whether it explains itself: see `SearchOptions`."""
    return all_options(
        click.option(
            "--memory",
            metavar="SIZE",
            callback=values.parse_size,
            help="Memory for searching and for writing pairs, besides the program (250 MB), the "
            f"hashes and thumbnails: 800M or 4G, for example; {LEAST_MEMORY >> 20}M is the least.  "
            "[default: half of what is free]",
        ),
        click.option(
            "--explain",
            is_flag=True,
            help="Say how pairs are searched, how long that should take, and how long it took.",
        ),
    )(command)


def scratch_option(default: str) -> Callable[[F], F]:
    """``--scratch``; by default the folder is called so."""
    return click.option(
        "--scratch",
        type=values.FOLDER,
        metavar="DIR",
        help="Search on the disk, in this folder, which is made and removed: for hashes of 64 bits "
        "that don't fit into memory. What is done there, another run goes on with.  [default: "
        f"{default}, where the hashes alone take more than --memory]",
    )


def kinds_option(
    text: str, default: Sequence[str], always: Sequence[str] = (), further: Sequence[str] = ()
) -> Callable[[F], F]:
    """``--kinds KIND,...``; see `option_values.kinds_parser`."""
    parser = values.kinds_parser(default, always, further)
    return click.option("--kinds", metavar="KIND,...", callback=parser, help=text)


def keep_in_option(default: str = "val and test, then the smallest") -> Callable[[F], F]:
    """``--keep-in SPLIT,...``."""
    return click.option(
        "--keep-in",
        metavar="SPLIT,...",
        callback=values.parse_names,
        help="Order of splits: each keeps its images rather than their copies in later ones.  "
        f"[default: {default}]",
    )


def grouping_option(command: F) -> F:
    """``--grouping``."""
    return click.option(
        "--grouping",
        type=click.Choice(["star", "components"]),
        default="star",
        show_default=True,
        help="In a star every copy is near the keeper; in components copies may be chained.",
    )(command)


def label_files_option(option: str, name: str, text: str) -> Callable[[F], F]:
    """``--coco SPLIT=FILE`` or ``--labels SPLIT=FILE``."""
    return click.option(
        option,
        name,
        multiple=True,
        metavar="SPLIT=FILE",
        callback=values.parse_label_files,
        help=text,
    )
