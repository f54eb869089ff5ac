"""`fastphash join`."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from fastphash.base.progress import Progress
from fastphash.base.vocabulary import KINDS
from fastphash.cli import options
from fastphash.cli.engine_options import EngineOptions, engine_options
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_quality import compare_options
from fastphash.cli.on_disk import JoinedOptions, has_kept, joining, open_side
from fastphash.cli.option_groups import CopyOptions, gather
from fastphash.cli.signals import handle_signals
from fastphash.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from fastphash.hashing.definition import Definition
    from fastphash.results.pairs import UnseenCounter
    from fastphash.store.rows import HashTable


@dataclass(frozen=True, slots=True)
class JoinedSides:
    """The stores or tables to join."""

    needles: str
    haystack: str

    def __iter__(self) -> Iterator[str]:
        return iter((self.needles, self.haystack))


@click.command("join")
@click.argument("needles")
@click.argument("haystack")
@options.table_file_option("File for the pairs.", "hash-and-search")
@options.radius_option(0, "Largest Hamming distance of a pair.")
@options.max_pairs_option("Stop if there are more pairs than this, of all kinds together.")
@options.kinds_option(
    f"Write only pairs of these kinds: {', '.join(KINDS)}; -collision takes one away.  "
    "[default: all]",
    KINDS,
)
@options.verify_options
@options.search_options
@engine_options
@options.scratch_option("FILE.scratch")
@compare_options
@options.json_option
@gather(
    sides=JoinedSides,
    output=TableFile,
    copies=CopyOptions,
    reading=JoinedOptions,
    engine=EngineOptions,
)
def join(
    sides: JoinedSides,
    output: TableFile,
    max_pairs: int,
    kinds: list[str],
    copies: CopyOptions,
    reading: JoinedOptions,
    engine: EngineOptions,
    as_json: bool,
) -> None:
    """Find every pair of a needle and a haystack image.

    NEEDLES and HAYSTACK are stores, STORE@SPLIT, or tables with path and hashes: Parquet, CSV, JSON
    lines, or the JSON of imagededup.

    \b
    Example:
      fastphash join hashes@val hashes@train -o pairs.parquet
    """
    output.check()
    copies.least_score()
    engine.check(explain=copies.explain)
    engine.start_early(*sides)
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.results.pairs import UnseenCounter, filter_kinds
    from fastphash.store.open import same_rows

    folder = reading.folder(sides, output, copies.memory, engine)
    handle_signals(lambda: has_kept(folder))
    if same_rows(*sides):
        raise UsageError("needles and haystack are the same: `fastphash group` finds copies in one")
    with ProgressScreen() as progress:
        # the JSON of the paper's scripts names all needles
        if folder is None and (not engine.on_spark or output.table_form is None):
            pairs_of = _in_memory(sides, reading, copies, max_pairs, output, engine, progress)
        else:
            pairs_of = _in_parts(sides, reading, copies, max_pairs, engine, folder, progress)
        with pairs_of as found:
            counter = UnseenCounter(filter_kinds(found.tables, kinds or list(KINDS)))
            counts = _write_pairs(counter, found.rows, output)
    pairs = {kind: counts.get(kind, 0) for kind in kinds or KINDS}
    _show(pairs, found, copies, output, counter.unseen, as_json=as_json)


class _Found(NamedTuple):
    """The pairs of a join, and what was compared: how many images, and by which hash.

    `rows` are those of the needles, if they are in memory.
    """

    tables: "Iterator[pa.Table]"
    needles: int
    haystack: int
    definition: "Definition"
    rows: "HashTable | None" = None


@contextlib.contextmanager
def _in_memory(
    names: JoinedSides,
    reading: JoinedOptions,
    copies: CopyOptions,
    max_pairs: int,
    output: TableFile,
    engine: EngineOptions,
    progress: Progress,
) -> Iterator[_Found]:
    left, right = reading.read_sides(names.needles, names.haystack)
    copies.check_thumbnails(dict(zip(names, (left, right), strict=True)))
    criteria = copies.criteria(progress, left.algorithm.bits)
    number = output.table_form is None
    tables = engine.find_pairs((left, right), criteria, max_pairs, progress, number_needles=number)
    yield _Found(tables, len(left), len(right), left.definition, left)


@contextlib.contextmanager
def _in_parts(
    names: JoinedSides,
    reading: JoinedOptions,
    copies: CopyOptions,
    max_pairs: int,
    engine: EngineOptions,
    folder: Path | None,
    progress: Progress,
) -> Iterator[_Found]:
    """The pairs of rows that are read in parts: on the disk, or on Spark without a folder."""
    from fastphash.external.several_streams import check_streams
    from fastphash.results.pairs import look_up_pairs

    left, right = (open_side([name], reading, read_others=engine.on_spark) for name in names)
    check_streams(left, right)
    copies.check_thumbnails(dict(zip(names, (left, right), strict=True)))
    criteria = copies.criteria(progress, left.definition.bits)
    with contextlib.ExitStack() as stack:
        if folder is None:
            started = engine.joining(left, right, criteria, progress, max_pairs)
            matches = stack.enter_context(started).matches()
        else:
            started_here = joining(left, right, criteria, folder, max_pairs)
            join_here, scratch = stack.enter_context(started_here)
            matches = join_here.matches(scratch)
        tables = look_up_pairs(left, right, matches, criteria)
        yield _Found(tables, len(left), len(right), left.definition)


def _show(
    pairs: dict[str, int],
    found: _Found,
    copies: CopyOptions,
    output: TableFile,
    unseen: int,
    *,
    as_json: bool,
) -> None:
    from fastphash.base.text import count
    from fastphash.cli.output import show_json
    from fastphash.cli.output_join import show_pairs, show_unseen

    definition = found.definition
    if as_json:
        hashed = {"hash": definition.algorithm, "bits": definition.bits}
        show_json(hashed | {"pairs": sum(pairs.values()), "kinds": pairs, "unseen": unseen})
        return
    sides = f"{count(found.needles, 'needle')} and {count(found.haystack, 'haystack image')}"
    # no join of hashes finds cropped or altered ones
    rare = {"unverified", "cropped", "altered"} | (set() if copies.radius else {"near"})
    possible = {kind: number for kind, number in pairs.items() if number or kind not in rare}
    show_pairs(f"Pairs of {sides} by {definition.algorithm}, in {output.path}", possible)
    show_unseen(unseen if copies.verify else 0)


def _write_pairs(
    tables: "UnseenCounter", needles: "HashTable | None", output: TableFile
) -> dict[str, int]:
    """Write pairs as a table, or as the paper's JSON; returns how many there are of each kind."""
    from fastphash.files import atomic, parquet
    from fastphash.files.table_formats import write_tables
    from fastphash.results.schemas import PAIRS_SCHEMA
    from fastphash.store.convert import paper_matches

    path, form, overwrite = Path(str(output.path)), output.table_form, output.overwrite
    if form:
        return write_tables(path, PAIRS_SCHEMA, tables, "kind", form, overwrite=overwrite)
    assert needles is not None
    counts: Counter[str] = Counter()

    def counted() -> "Iterator[pa.Table]":
        for table in tables:
            counts.update(parquet.count_values(table["kind"]))
            yield table

    atomic.write_json_array(path, paper_matches(needles, counted()), overwrite=overwrite)
    return counts
