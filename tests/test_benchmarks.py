"""Each benchmark runs, on input that takes no time, and prints one table."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import missing

FOLDER = Path(__file__).parent.parent / "benchmarks"
QUICK = {
    "accuracy.py": ["--count", "2", "--slow-count", "0"],
    "audit.py": ["--count", "40", "--rounds", "1"],
    "calibrate.py": ["--count", "60"],
    "colours.py": ["--count", "2"],
    "coco.py": ["--images", "200", "--annotations", "900", "--rounds", "1"],
    "collisions.py": ["--rounds", "1"],
    "frames.py": ["--count", "12"],
    "hashing.py": ["--count", "60", "--rounds", "1"],
    "inspector.py": ["--groups", "300", "--rounds", "1"],
    "joins.py": ["--sizes", "300", "--radii", "0", "4", "--rounds", "1", "--count", "8"],
    "memory.py": ["--counts", "64"],
    "planner.py": ["--sizes", "3000", "--radii", "4", "--rounds", "1"],
    "radius.py": ["--count", "4", "--rounds", "1"],
    "reduced.py": ["--count", "12"],
    "report.py": ["--count", "60", "--copies", "20", "--groups", "3", "--rounds", "1"],
    "scaling.py": ["--count", "150", "--rounds", "1"],
    "startup.py": ["--rounds", "1"],
    "thumbnails.py": ["--count", "12"],
}

SHARED = {"common.py", "edits.py", "estimates.py", "fingerprints.py", "pool.py", "ranking.py"}
RIVALS = {"hashing.py": "libphash", "joins.py": "faiss"}


def test_every_benchmark_is_tried() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == {*QUICK, *SHARED}


@pytest.mark.slow
@pytest.mark.parametrize("script", QUICK)
def test_benchmark_prints_its_table(script: str) -> None:
    rival = RIVALS.get(script)
    if rival and importlib.util.find_spec(rival) is None:
        missing(f"{rival} is not installed: pip install 'fastphash[bench]'")
    command = [sys.executable, str(FOLDER / script), *QUICK[script]]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    header, rule, *rows = run.stdout.splitlines()
    assert header.startswith("| ")
    assert set(rule) == {"|", " ", "-"}
    assert rows
