"""Shares are written in one way everywhere."""

import re
from pathlib import Path

import pytest

import fastphash
from fastphash.cli.output import percent_cell
from fastphash.cli.output_audit import _leak_cell

PACKAGE = Path(fastphash.__file__).parent


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.5, "50.0 %"),
        (0.99999, "> 99.9 %"),
        (0.00001, "< 0.1 %"),
        (None, "-"),
    ],
)
def test_a_share_in_a_table(part, shown):
    assert percent_cell(part) == shown


@pytest.mark.parametrize(
    ("leaked", "images", "shown"), [(3, 3, "100 %"), (9999, 10_000, "> 99.9 %")]
)
def test_a_share_of_leaks(leaked, images, shown):
    assert _leak_cell({"leaked": leaked, "share": leaked / images}) == f"{leaked:,} ({shown})"


def test_no_other_module_writes_shares():
    own = re.compile(r":\.\df\} %")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if own.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"base/text.py"}
