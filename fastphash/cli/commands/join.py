"""`fastphash join`."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastphash.base.vocabulary import KINDS
from fastphash.cli import options
from fastphash.cli.engine_options import EngineOptions, engine_options
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_quality import ComparedOptions, compare_options
from fastphash.cli.option_groups import CopyOptions, gather
from fastphash.cli.signals import handle_signals
from fastphash.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from fastphash.results.pairs import UnseenCounter
    from fastphash.store.rows import HashTable


@dataclass(frozen=True, slots=True)
class JoinedSides:
    """The stores or tables to join."""

    needles: str
    haystack: str


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
@compare_options
@options.json_option
@gather(
    sides=JoinedSides,
    output=TableFile,
    copies=CopyOptions,
    reading=ComparedOptions,
    engine=EngineOptions,
)
def join(
    sides: JoinedSides,
    output: TableFile,
    max_pairs: int,
    kinds: list[str],
    copies: CopyOptions,
    reading: ComparedOptions,
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
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.base.text import count
    from fastphash.cli.output import show_json
    from fastphash.cli.output_join import show_pairs, show_unseen
    from fastphash.results.pairs import UnseenCounter, filter_kinds
    from fastphash.store.open import same_rows

    handle_signals()
    needles, haystack = sides.needles, sides.haystack
    if same_rows(needles, haystack):
        raise UsageError("needles and haystack are the same: `fastphash group` finds copies in one")
    left, right = reading.read_sides(needles, haystack)
    copies.check_thumbnails({needles: left, haystack: right})
    kinds = kinds or list(KINDS)
    with ProgressScreen() as progress:
        tables = engine.find_pairs(
            (left, right),
            copies.criteria(progress, left.algorithm.bits),
            max_pairs,
            progress,
            number_needles=output.table_form is None,
        )
        counter = UnseenCounter(filter_kinds(tables, kinds))
        counts = _write_pairs(counter, left, output)
    pairs = {kind: counts.get(kind, 0) for kind in kinds}
    if as_json:
        hashed = {"hash": left.algorithm.name, "bits": left.algorithm.bits}
        show_json(hashed | {"pairs": sum(pairs.values()), "kinds": pairs, "unseen": counter.unseen})
    else:
        title = f"Pairs of {count(len(left), 'needle')} and {count(len(right), 'haystack image')}"
        # no join of hashes finds cropped or altered ones
        rare = {"unverified", "cropped", "altered"} | (set() if copies.radius else {"near"})
        possible = {kind: number for kind, number in pairs.items() if number or kind not in rare}
        show_pairs(f"{title} by {left.algorithm.name}, in {output.path}", possible)
        show_unseen(0 if not copies.verify else counter.unseen)


def _write_pairs(
    tables: "UnseenCounter", needles: "HashTable", output: TableFile
) -> dict[str, int]:
    """Write pairs as a table, or as the paper's JSON; returns how many there are of each kind."""
    from fastphash.files import atomic, parquet
    from fastphash.files.table_formats import write_tables
    from fastphash.results.schemas import PAIRS_SCHEMA
    from fastphash.store.convert import paper_matches

    path, form, overwrite = Path(str(output.path)), output.table_form, output.overwrite
    if form:
        return write_tables(path, PAIRS_SCHEMA, tables, "kind", form, overwrite=overwrite)
    counts: Counter[str] = Counter()

    def counted() -> "Iterator[pa.Table]":
        for table in tables:
            counts.update(parquet.count_values(table["kind"]))
            yield table

    atomic.write_json_array(path, paper_matches(needles, counted()), overwrite=overwrite)
    return counts
