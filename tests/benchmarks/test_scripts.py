"""Each benchmark runs, on input that takes no time, and prints a table."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.support import table
from tests.support.skipping import missing

ROOT = Path(__file__).parents[2]
QUICK = {
    "accuracy.calibrate": ["--count", "60"],
    "accuracy.colours": ["--count", "2"],
    "accuracy.deep_tiles": ["--count", "6"],
    "accuracy.doubts": ["--count", "2", "--objects", "4"],
    "accuracy.edited_copies": ["--count", "2", "--slow-count", "0", "--looks"],
    "accuracy.frames": ["--count", "12"],
    "accuracy.hashes": ["--count", "1", "--candidates", "4", "--hashes", "pdq", "phash+dhash"],
    "accuracy.large_sets": ["--count", "2", "--sizes", "500", "--signatures", "differences"],
    "accuracy.object_pictures": ["--count", "4"],
    "accuracy.radius": ["--count", "4", "--hashes"],
    "accuracy.reduced": ["--count", "12"],
    "accuracy.small_differences": ["--count", "2"],
    "accuracy.thumbnails": ["--count", "12"],
    "speed.audit": ["--count", "40", "--rounds", "0"],
    "speed.bucket_memory": ["--count", "24", "--rounds", "1", "--shards", "2", "--delay", "1"],
    "speed.clean_shards": ["--count", "60", "--shards", "3", "--rounds", "0"],
    "speed.coco": ["--images", "200", "--annotations", "900", "--rounds", "1"],
    "speed.containers": ["--count", "24", "--rounds", "0", "--shards", "2"],
    "speed.edges": ["--edges", "3000"],
    "speed.equal_hashes": ["--rounds", "0"],
    "speed.hashing": ["--count", "60", "--rounds", "0"],
    "speed.inspector": ["--groups", "300", "--rounds", "1"],
    "speed.joins": ["--sizes", "300", "--radii", "0", "4", "--rounds", "0", "--count", "8"],
    "speed.looks": ["--count", "1", "--rounds", "0"],
    "speed.memory": ["--counts", "64"],
    "speed.memory_limit": [
        *("--rows", "300", "--cluster", "10", "--memory", "100M"),
        *("--cases", "join", "group-thumbnails", "audit"),
    ],
    "speed.moves": ["--count", "30", "--copies", "3"],
    "speed.object_store": ["--count", "24", "--rounds", "0", "--delay", "1"],
    "speed.paper_job": ["--count", "60"],
    "speed.pdq": ["--pixels", "1", "--rounds", "0"],
    "speed.planner": ["--sizes", "3000", "--radii", "4", "--rounds", "1"],
    "speed.report": ["--count", "60", "--copies", "20", "--groups", "3", "--rounds", "1"],
    "speed.scale": ["--rows", "2000"],
    "speed.scaling": ["--count", "150", "--rounds", "0"],
    "speed.spark_hashing": ["--count", "60", "--shards", "2", "--ways", "local"],
    "speed.startup": ["--rounds", "1", "--images", "20", "--first", "info"],
    "speed.many_views": ["--count", "300"],
    "speed.views": ["--count", "60", "--rows", "200", "--rounds", "0"],
}
WIDE_JOINS = [*QUICK["speed.joins"], "--bits", "256", "--data", "skewed"]
#: Modules that benchmarks can't do without, and the extras that have them.
RIVALS = {
    "speed.hashing": ("libphash", "bench"),
    "speed.joins": ("faiss", "bench"),
    "speed.pdq": ("pdqhash", "pdq"),
}


def test_every_benchmark_is_tried() -> None:
    assert sorted(table.benchmark_names()) == sorted(QUICK)


def test_the_readme_of_the_benchmarks_lists_every_docstring() -> None:
    """`python -m benchmarks.support.table` writes the table again."""
    assert f"\n{table.benchmark_table()}\n\n" in table.README.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"), [*QUICK.items(), ("speed.joins", WIDE_JOINS)], ids=str
)
def test_benchmark_prints_a_table(name: str, arguments: list[str]) -> None:
    rival, extra = RIVALS.get(name, ("", ""))
    if rival and importlib.util.find_spec(rival) is None:
        missing(f"{rival} is not installed: pip install 'fastphash[{extra}]'")
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    header, rule, *rows = run.stdout.splitlines()
    assert header.startswith("| ")
    assert set(rule) == {"|", " ", "-"}
    assert rows
