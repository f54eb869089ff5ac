"""Near copies, from image files to the tables of audit, join and group."""

import json

from fastphash.files import parquet
from tests.support.command_line import run
from tests.support.scenes import save, scene


def test_near_copies_are_joined_grouped_and_audited(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
    for seed in range(8):
        save(tmp_path / "train" / f"{seed}.png", scene(seed, height=200, width=240))
        worse = scene(seed, height=200, width=240)[8:-8, 8:-8]
        save(tmp_path / "val" / f"{seed}.jpg", worse, quality=30)
    words = ("audit", "train=train", "val=val", "-o", "out", "--radius", "16")
    done = run(*words, cwd=tmp_path)
    assert "Copies by the bits in which their hashes differ" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    (leak,) = (leak for leak in summary["leaks"] if leak["needles"] == "val")
    assert summary["radius"] == 16
    assert leak["kinds"]["near"] >= 6
    assert sum(leak["by_distance"].values()) == leak["leaked"]
    stores = ("out/hashes@val", "out/hashes@train")
    run("join", *stores, "-o", "pairs.parquet", "--radius", "16", cwd=tmp_path)
    pairs = parquet.read_table(tmp_path / "pairs.parquet")
    near = [row for row in pairs.to_pylist() if row["kind"] == "near"]
    assert len({row["needle_path"] for row in near}) == leak["kinds"]["near"]
    assert all(1 <= row["distance"] <= 16 and 0 <= row["score"] <= 1 for row in near)
    for grouping in ("star", "components"):
        words = ("-o", f"{grouping}.parquet", "--radius", "16", "--grouping", grouping)
        run("group", "out/hashes", *words, cwd=tmp_path)
        groups = parquet.read_table(tmp_path / f"{grouping}.parquet").to_pylist()
        assert any(row["kind"] == "near" for row in groups)
