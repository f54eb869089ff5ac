"""What does it take to read sorted edges from a Parquet file and write the groups that they make?

Edges are drawn: each joins a row and a later one, and they ascend by (left, right), as the disk and
Spark sort them. A process of its own reads them batch by batch, a thread ahead, groups the rows,
and writes each copy with its keeper to another Parquet file. Its seconds are without the start of
Python; memory is its peak, with all libraries (Linux).
"""

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.processes import peak_memory
from benchmarks.support.timing import SECONDS, spread
from fastphash.files import parquet
from fastphash.groups.edge_groups import EDGES, KEEPERS, group_edges
from fastphash.groups.grouping import GROUPINGS, Grouping

_EDGES_AT_ONCE = 1 << 20
_BATCHES_WRITTEN = 16
_MB = 1e6
# dictionaries of numbers that hardly repeat would take most of the time
_WRITTEN = {"compression": "zstd", "compression_level": 1, "use_dictionary": False}

# seconds, CPU seconds, bytes of memory, copies
_Taken = tuple[float, float, int, int]


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--edges", type=positive_number, default=10**8)
    parser.add_argument("--rows", type=positive_number, help="default: as many as edges")
    parser.add_argument("--groupings", nargs="+", choices=GROUPINGS, default=GROUPINGS)
    parser.add_argument("--folder", type=Path, help="for the files; 30 bytes an edge")
    arguments = parser.parse_args()
    rows = max(arguments.rows or arguments.edges, 2)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        path = Path(name) / "edges.parquet"
        write_edges(path, arguments.edges, rows)
        runs: dict[Grouping, list[_Taken]] = {grouping: [] for grouping in arguments.groupings}
        for _ in range(arguments.rounds):
            for grouping, taken in runs.items():
                taken.append(_in_own_process(path, rows, grouping))
    cells = []
    for grouping, taken in runs.items():
        seconds, cpu, memory, copies = zip(*taken, strict=True)
        peak = f"{max(memory) / _MB:,.0f}"
        cells.append(
            (
                f"{arguments.edges:,}",
                f"{rows:,}",
                grouping,
                spread(seconds),
                spread(cpu),
                peak,
                f"{copies[0]:,}",
            )
        )
    titles = ("edges", "rows", "groups", SECONDS, f"CPU {SECONDS}", "peak MB", "copies")
    print_table(titles, cells)


def write_edges(path: Path, edges: int, rows: int) -> None:
    """Draw edges in order: left rows of a batch lie in a range of their own."""
    rng = np.random.default_rng(7)
    with pq.ParquetWriter(path, EDGES, **_WRITTEN) as writer:
        for start in range(0, edges, _EDGES_AT_ONCE):
            stop = min(start + _EDGES_AT_ONCE, edges)
            first, last = (rows - 1) * start // edges, (rows - 1) * stop // edges
            left = np.sort(rng.integers(first, max(last, first + 1), stop - start))
            right = rng.integers(left + 1, rows)
            right = right[np.lexsort((right, left))]
            writer.write_table(pa.table([left, right], schema=EDGES), row_group_size=stop - start)


def _in_own_process(path: Path, rows: int, grouping: Grouping) -> _Taken:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, (path, rows, grouping))


def run(path: Path, rows: int, grouping: Grouping) -> _Taken:
    """Group the edges of a file, and write the keepers beside it."""
    began, cpu = time.perf_counter(), time.process_time()
    tables = _read_ahead(parquet.read_batches(path, EDGES.names))
    batches = (batch for table in tables for batch in table.to_batches())
    copies = 0
    with pq.ParquetWriter(path.with_name(f"{grouping}.parquet"), KEEPERS, **_WRITTEN) as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in group_edges(batches, rows, grouping):
            waiting.append(batch)
            copies += batch.num_rows
            if len(waiting) == _BATCHES_WRITTEN:
                writer.write_table(pa.Table.from_batches(waiting))
                waiting = []
        writer.write_table(pa.Table.from_batches(waiting, KEEPERS))
    return time.perf_counter() - began, time.process_time() - cpu, peak_memory(), copies


def _read_ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Have another thread read the next table meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, tables, None)
        while (table := coming.result()) is not None:
            coming = pool.submit(next, tables, None)
            yield table


if __name__ == "__main__":
    main()
