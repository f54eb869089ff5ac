"""Turn words of the command line into values: types and callbacks of single options."""

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from fastphash.base.text import comma_separated
from fastphash.base.vocabulary import FURTHEST, KINDS
from fastphash.defaults import LEAST_MEMORY
from fastphash.errors import UsageError
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.sources.remote.address import is_remote


class FiniteNumber(click.FloatRange):
    """A number in a range. NaN is refused here, because click accepts it in every range."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Convert a word to a number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


class LocalPath(click.Path):
    """A file or folder of this machine: an address is none, and would be a folder named `s3:`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an address."""
        if is_remote(os.fsencode(value)):
            self.fail(f"{os.fsdecode(value)!r} is an address: name a place on a disk", param, ctx)
        return super().convert(value, param, ctx)


class NamedFolder(LocalPath):
    """A folder. No text is none: it would be the current one, where a variable is empty."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse empty text."""
        if value == "":
            self.fail("'' is no folder: name one, or . for the current one", param, ctx)
        return super().convert(value, param, ctx)


#: ``--radius``
RADIUS = click.IntRange(0, FURTHEST)
#: ``--min-score``
SCORE = FiniteNumber(0, 1)
#: ``--precision``
PRECISION = FiniteNumber(0, 1, min_open=True, max_open=True)
#: ``--candidates``
CANDIDATES = FiniteNumber(min=0, min_open=True)
#: ``--timeout``
SECONDS = FiniteNumber(min=0, min_open=True)
#: Names of files and folders, which need not exist.
FILE = LocalPath(path_type=Path, dir_okay=False)
FOLDER = NamedFolder(path_type=Path, file_okay=False)
FILE_OR_FOLDER = LocalPath(path_type=Path)


def parse_folder(_: click.Context, __: click.Parameter, value: Path | None) -> Path | None:
    """``-o FOLDER``: a new folder that is not named as a file of a table."""
    if value is not None and value.suffix and not value.is_dir():
        from fastphash.files.table_formats import ENDINGS

        if value.suffix.lower() in ENDINGS:
            raise click.BadParameter(
                f"{str(value)!r} would be a folder: name it without {value.suffix}"
            )
    return value


def parse_size(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """``--memory``: a size such as 800M or 4G, in bytes."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([KMGT]?)(i?B?)", value.strip(), re.IGNORECASE)
    size = float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ") if match else 0
    if size < 1:
        raise click.BadParameter(f"{value!r} is no size: write 800M or 4G")
    if size < LEAST_MEMORY:
        raise click.BadParameter(
            f"{value!r} is too little for a search: {LEAST_MEMORY >> 20}M is the least"
        )
    return int(size)


def parse_separator(_: click.Context, __: click.Parameter, value: bool) -> bytes:
    """``-0`` of a list of files: the byte that ends each path."""
    return b"\0" if value else b"\n"


def parse_no(_: click.Context, __: click.Parameter, value: bool) -> bool:
    """``--no-verify`` and the like, as the library says it: whether something is to be."""
    return not value


def parse_split_folders(
    ctx: click.Context, _: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """``[SPLIT=]PLACE...``: the words as they are; UsageError if there are none, and no lists."""
    if not value and not ctx.params.get("files") and not ctx.resilient_parsing:
        raise UsageError("nothing to hash: name a folder, or a list of files with --files")
    return value


def parse_names(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    """``--keep-in``: names separated by commas."""
    return comma_separated(value or "")


def parse_columns(_: click.Context, __: click.Parameter, value: str | None) -> dict[str, str]:
    """``--columns``: names in a table by our names, such as ``path=url,phash=image_phash``."""
    columns = {}
    for word in filter(str.strip, (value or "").split(",")):
        own, _equals, name = word.partition("=")
        own = own.strip()  # theirs may begin or end with a blank
        if not own or not name:
            raise click.BadParameter(f"{word!r} names no column: write phash=COLUMN")
        if own in columns:
            raise click.BadParameter(f"{own} is named twice, in {value!r}")
        columns[own] = name
    if columns:
        from fastphash.store.hash_files import check_columns

        check_columns(columns)
    return columns


def kinds_parser(
    default: Sequence[str], always: Sequence[str] = (), further: Sequence[str] = ()
) -> Callable[[click.Context, click.Parameter, str | None], list[str]]:
    """The callback of ``--kinds`` or ``--fail-on-leak``: kinds of copies separated by commas.

    ``near,exact`` replaces the default; ``+near`` adds a kind to it, ``-augmented`` takes one away.

    Parameters
    ----------
    default : sequence of str
    always : sequence of str
        Kinds that can't be taken away.
    further : sequence of str
        Words that may stand among kinds.
    """
    known = (*KINDS, *further)

    def parse(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
        if value is None:
            return []
        words = parse_names(context, parameter, value)
        if not words:
            raise click.BadParameter(f"no kind in {value!r}: use some of {', '.join(known)}")
        names = [word[1:] if word[0] in "+-" else word for word in words]
        for name in names:
            if name not in known:
                raise click.BadParameter(f"no kind {name!r}: use some of {', '.join(known)}")
        if names == words:
            return names
        kinds = _change_kinds(value, words, default, always)
        return [kind for kind in known if kind in kinds]

    return parse


def _change_kinds(
    value: str, words: list[str], default: Sequence[str], always: Sequence[str]
) -> set[str]:
    """The default kinds, changed by words such as ``+near`` and ``-augmented``."""
    kinds = set(default)
    for word in words:
        sign, name = word[0], word[1:]
        if sign not in "+-":
            raise click.BadParameter(
                f"{value!r} has kinds with a sign and without: +KIND and -KIND change the default "
                f"({','.join(default)}), kinds without a sign replace it"
            )
        if sign == "-" and name in always:
            raise click.BadParameter(f"{word!r}: {name} copies can't be left out")
        if sign == "+":
            kinds.add(name)
        else:
            kinds.discard(name)
    if not kinds:
        raise click.BadParameter(f"{value!r} leaves no kind of {', '.join(default)}")
    return kinds


def parse_label_files(
    _: click.Context, __: click.Parameter, value: tuple[str, ...]
) -> dict[str, Path]:
    """``--coco`` or ``--labels``: the file of each split, from words SPLIT=FILE."""
    files: dict[str, Path] = {}
    for text in value:
        split, _separator, path = text.partition("=")
        if not split or not path:
            raise click.BadParameter(f"{text!r} is not SPLIT=FILE")
        if split in files:
            raise click.BadParameter(f"two files for split {split!r}")
        if not Path(path).is_file():
            raise click.BadParameter(f"no such file: {path!r}")
        files[split] = Path(path)
    return files


def parse_proposals(
    _: click.Context, __: click.Parameter, value: str | None
) -> Path | tuple[str, ...] | None:
    """``--propose``: a file, or names of hashes."""
    if value is None:
        return None
    if not os.path.isfile(value):
        names = tuple(comma_separated(value))
        if names and not os.path.exists(value) and all(name in ALGORITHMS for name in names):
            return names
        raise click.BadParameter(
            f"{value!r} is no file, and no hash: {', '.join(ALGORITHMS)}, or several of them"
        )
    return Path(value)
