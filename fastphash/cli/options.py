"""Options that several commands share, and how their values are checked."""

import importlib
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fastphash.base.vocabulary import KINDS, PASS_ORDERS
from fastphash.defaults import MAX_PAIRS, MAX_PIXELS, MIN_SCORE, TIMEOUT
from fastphash.errors import FastphashError, UsageError

if TYPE_CHECKING:
    from fastphash.sources.local import LocalSource
    from fastphash.store.rows import HashTable


F = TypeVar("F", bound=Callable[..., Any])

#: The kinds that --fail-on-leak looks for by itself.
SURE_KINDS = "identical,exact,augmented"


class Number(click.FloatRange):
    """A number in a range; NaN, which no bound keeps out, is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number that somebody wrote."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def source_options(command: F) -> F:
    """``[SPLIT=]DIR ... --files``: pass them to `sources`."""
    command = click.argument("folders", nargs=-1, metavar="[SPLIT=]DIR...")(command)
    command = click.option(
        "--files",
        multiple=True,
        metavar="[SPLIT=]LIST",
        help="A file with one path a line is a split too; - is standard input. May be repeated.",
    )(command)
    return click.option(
        "-0",
        "--null",
        is_flag=True,
        help="Paths in --files end with NUL bytes, as of find -print0.",
    )(command)


def workers_option(command: F) -> F:
    """``--workers``."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Worker processes.  [default: one for each core]",
    )(command)


def folder_option(metavar: str, text: str, default: str | None = None) -> Callable[[F], F]:
    """``-o FOLDER``, required where there is no default."""
    given: dict[str, Any] = {"default": default, "show_default": True} if default else {}
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        required=not default,
        metavar=metavar,
        help=text,
        **given,
    )


def hash_options(command: F) -> F:
    """How to hash: pass them to `definition_and_layout`."""
    options = [
        click.option(
            "--decode",
            type=click.Choice(["full", "reduced"]),
            default="full",
            show_default=True,
            help="Hash as ImageHash does, or JPEGs from a reduced grey image: another definition.",
        ),
        click.option(
            "--pass-order",
            type=click.Choice(PASS_ORDERS),
            default="pillow13",
            show_default=True,
            help="Which Pillow's resize to reproduce: up to 12.1, 12.2 and 12.3, or 13.",
        ),
        click.option("--exif", is_flag=True, help="Turn images as their EXIF orientation says."),
        click.option(
            "--strict-imagehash",
            is_flag=True,
            help="Clip 16-bit and float pixels, as Pillow does, instead of scaling them.",
        ),
        click.option(
            "--no-orientations", is_flag=True, help="Don't look for rotated and mirrored copies."
        ),
        click.option(
            "--no-thumbnails",
            is_flag=True,
            help="Keep no thumbnails: a store of a tenth the size, in which equal hashes can't be "
            "told from copies.",
        ),
        workers_option,
        click.option(
            "--timeout",
            type=Number(min=0, min_open=True),
            default=TIMEOUT,
            metavar="SECONDS",
            help="End a worker that takes longer for one image; an image that does so twice is "
            f"rejected.  [default: {TIMEOUT:g}]",
        ),
        click.option(
            "--max-pixels",
            type=click.IntRange(min=1),
            default=MAX_PIXELS,
            metavar="N",
            help="Reject images of more pixels than this, unread.  "
            f"[default: {MAX_PIXELS:,}, as Pillow]",
        ),
        click.option(
            "--keep-missing", is_flag=True, help="Keep the hashes of files that are gone."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def json_option(command: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )


def output_option(text: str, *, required: bool = True) -> Callable[[F], F]:
    """``-o FILE``, with ``--overwrite``."""

    def decorate(command: F) -> F:
        command = click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")(
            command
        )
        return click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            required=required,
            metavar="FILE",
            help=text,
        )(command)

    return decorate


def audit_argument(command: F) -> F:
    """``OUT``, the folder of an audit."""
    kind = click.Path(path_type=Path, file_okay=False)
    return click.argument("folder", metavar="OUT", type=kind)(command)


def radius_option(default: int | None, text: str) -> Callable[[F], F]:
    """``--radius``."""
    return click.option(
        "--radius",
        type=click.IntRange(0, 64),
        default=default,
        show_default=True,
        metavar="BITS",
        help=text,
    )


def verify_options(command: F) -> F:
    """Whether near pairs are looked at, and how alike copies are: pass them to `least_score`."""
    command = click.option(
        "--no-verify", is_flag=True, help="Take near ones for copies by their distance alone."
    )(command)
    return click.option(
        "--min-score",
        type=Number(0, 1),
        metavar="SCORE",
        help=f"How alike the thumbnails of near copies are at least.  [default: {MIN_SCORE:g}]",
    )(command)


def least_score(
    min_score: float | None, no_verify: bool, no_thumbnails: bool = False
) -> float | None:
    """The least score of near copies; None if nobody looks at them."""
    for option, blind in (("--no-verify", no_verify), ("--no-thumbnails", no_thumbnails)):
        if blind and min_score is not None:
            raise UsageError(f"--min-score and {option} exclude one another")
    if no_verify or no_thumbnails:
        return None
    return MIN_SCORE if min_score is None else min_score


def check_thumbnails(min_score: float | None, sides: "dict[str, HashTable]") -> None:
    """UsageError if a least score was asked for of rows, by what they are called, without any."""
    for target, rows in sides.items():
        if min_score is not None and not rows.has_thumbnails:
            raise UsageError(
                f"--min-score needs thumbnails, and {target!r} doesn't have them: leave it out, "
                "or hash again without --no-thumbnails"
            )


def max_pairs_option(text: str) -> Callable[[F], F]:
    """``--max-pairs``."""
    return click.option(
        "--max-pairs",
        type=click.IntRange(min=0),
        default=MAX_PAIRS,
        metavar="N",
        help=f"{text}  [default: {MAX_PAIRS:,}]",
    )


def join_options(command: F) -> F:
    """What a join may use, and whether it explains itself: pass them to `effort`."""
    command = click.option(
        "--explain",
        is_flag=True,
        help="Say how pairs are searched, how long that should take, and how long it took.",
    )(command)
    return click.option(
        "--memory",
        metavar="SIZE",
        callback=_bytes,
        help="Memory that joins may take beyond the hashes, such as 800M or 4G.  "
        "[default: half of what is free]",
    )(command)


def coco_option(text: str) -> Callable[[F], F]:
    """``--coco SPLIT=FILE``, as a dict."""
    return click.option(
        "--coco", multiple=True, metavar="SPLIT=FILE", callback=_coco_files, help=text
    )


def _coco_files(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in value:
        split, _separator, path = text.partition("=")
        if not split or not path:
            raise click.BadParameter(f"{text!r} is not SPLIT=FILE")
        if split in found:
            raise click.BadParameter(f"two files for split {split!r}")
        if not Path(path).is_file():
            raise click.BadParameter(f"no such file: {path!r}")
        found[split] = Path(path)
    return found


def grouping_option(command: F) -> F:
    """``--grouping``."""
    return click.option(
        "--grouping",
        type=click.Choice(["star", "components"]),
        default="star",
        show_default=True,
        help="Copies of a keeper must be near it themselves, or may be chained.",
    )(command)


def effort(memory: int | None, explain: bool, progress: Callable[[str, int, int], None]) -> Any:
    """What joins may use and whom they tell, as an Effort."""
    from fastphash.base.machine import free_memory
    from fastphash.cli.output import show_search
    from fastphash.joins.options import JoinOptions

    made = JoinOptions(
        memory=free_memory() // 2 if memory is None else memory,
        advance=lambda done, total: progress("joining", done, total),
    )
    return replace(made, explain=show_search) if explain else made


def _bytes(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([KMGT]?)(i?B?)", value.strip(), re.IGNORECASE)
    size = float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ") if found else 0
    if size < 1:
        raise click.BadParameter(f"{value!r} is no size: write 800M or 4G")
    return int(size)


def keep_in_option(default: str = "the smallest first") -> Callable[[F], F]:
    """``--keep-in SPLIT,...``."""
    return click.option(
        "--keep-in",
        metavar="SPLIT,...",
        callback=_names,
        help="Splits that keep their images when another has a copy, first to last.  "
        f"[default: {default}]",
    )


def format_option(text: str) -> Callable[[F], F]:
    """``--format``: Parquet or the JSON of the paper's scripts."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["parquet", "hash-and-search"]),
        default="parquet",
        show_default=True,
        help=text,
    )


def kinds_callback(_: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    """A list of kinds from a comma-separated text."""
    kinds = _names(_, parameter, value)
    if value is not None and not kinds:
        raise click.BadParameter(f"no kind in {value!r}: use some of {', '.join(KINDS)}")
    for kind in kinds:
        if kind not in KINDS:
            raise click.BadParameter(f"no kind {kind!r}: use some of {', '.join(KINDS)}")
    return kinds


def _names(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    return [name for name in (value or "").split(",") if name]


def sources(folders: tuple[str, ...], files: tuple[str, ...], null: bool) -> "list[LocalSource]":
    """The splits that the arguments name; UsageError if there are none, or they clash."""
    from fastphash.sources.local import check_sources, folder_source, list_source

    found = [folder_source(folder) for folder in folders]
    for text in files:
        name, separator, path = text.partition("=")
        if not separator:
            name, path = ("stdin" if text == "-" else Path(text).stem), text
        found.append(list_source(name, _read_list(path), b"\0" if null else b"\n"))
    if not found:
        raise UsageError("nothing to hash: name a folder, or a list of files with --files")
    check_sources(found)
    return found


def _read_list(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"can't read the list {path!r}: {error.strerror}") from error


def definition_and_layout(
    decode: Any, pass_order: Any, exif: bool, strict_imagehash: bool, **without: bool
) -> tuple[Any, Any]:
    """What the hash options ask for, as a Definition and a Layout."""
    from fastphash.hashing.definition import Definition
    from fastphash.store.schema import Layout

    definition = Definition(
        decode=decode,
        pass_order=pass_order,
        exif=exif,
        sixteen_bit="clipped" if strict_imagehash else "scaled",
    )
    return definition, Layout(not without["no_orientations"], not without["no_thumbnails"])


def optional_module(module: str, extra: str) -> Any:
    """A module that needs an extra; where it is missing, an error says what to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = (error.name or "").split(".")[0]
        if library == "fastphash":
            raise
        raise FastphashError(
            f"{library} is not installed: pip install 'fastphash[{extra}]'"
        ) from error


def has_desktop() -> bool:
    """Whether a browser would open where the user sees it."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def check_free(path: Path, overwrite: bool) -> None:
    """UsageError if a file exists that wasn't asked to be replaced, or its folder doesn't."""
    if path.exists() and not overwrite:
        raise UsageError(f"{str(path)!r} exists: --overwrite replaces it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"no such folder: {str(path.absolute().parent)!r}")
