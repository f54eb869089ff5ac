"""fastphash hash, in a process of its own."""

import json

import pytest

from tests.support.command_line import run, too_wide


@pytest.mark.slow
def test_hash_counts_what_became_of_the_inputs(data, tmp_path):
    words = ["hash", f"train={data}/train", "-o", "s"]
    shown = run(*words, cwd=tmp_path).stdout
    assert "train 13 11 - 1 1 - -" in " ".join(shown.split())
    assert too_wide(shown) == []
    assert json.loads(run(*words, "--json", cwd=tmp_path).stdout)["train"] == {
        "inputs": 13,
        "hashed": 0,
        "kept": 11,
        "rejected": 1,
        "skipped": 1,
        "changed": 0,
        "gone": 0,
        "missing": 0,
        "hidden": 0,
        "excluded": 0,
        "masks": 0,
        "unfinished": 0,
    }
