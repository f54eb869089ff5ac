"""The radius that an audit chooses, and what it says of it."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.audits.options import AuditOptions
from fastphash.audits.radius import choose_criteria
from fastphash.audits.run import audit
from fastphash.cli.output_audit import show_audit
from fastphash.hashing.definition import Definition
from fastphash.ingest.options import IngestOptions
from fastphash.joins.chance import largest_radius, widest_radius
from fastphash.results.radius_words import radius_in_words
from fastphash.sources.local import folder_source
from fastphash.store.byte_columns import fixed_column
from fastphash.store.rows import HashTable
from tests.support.scenes import planted


def drawn(rows):
    rng = np.random.default_rng(rows)
    # few bits vary, so that a small table is as crowded as a large one
    varying = np.uint64(sum(1 << bit for bit in range(0, 64, 2)))
    hashes = rng.integers(0, 2**64, rows, dtype=np.uint64) & varying
    return HashTable(pa.table({"phash": hashes}), Definition())


CROWDED, FEW = drawn(30_000), drawn(10)


def test_a_crowded_table_has_a_smaller_radius_and_says_so():
    chosen = choose_criteria(CROWDED, AuditOptions(), thumbnails=True)
    rule = chosen.rule
    assert 0 <= chosen.criteria.radius < rule["largest"] == 16
    assert rule["narrowed"]
    assert chosen.chance <= rule["candidates"] == 10 < rule["at_largest"]
    few = choose_criteria(FEW, AuditOptions(), thumbnails=True)
    assert few.criteria.radius == 16
    assert not few.rule["narrowed"]


def test_more_candidates_make_a_larger_radius():
    radii = [
        choose_criteria(CROWDED, AuditOptions(candidates=n), thumbnails=True).criteria.radius
        for n in (1e-9, 10, 1000, 1e9)
    ]
    assert radii == sorted(radii)
    assert radii[0] == 0 < radii[1] < radii[3] == 16


def test_where_the_search_sets_the_radius_more_candidates_do_not_widen_it():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, (20_000, 4), dtype=np.uint64)
    column = fixed_column(hashes.view(np.uint8))
    rows = HashTable(pa.table({"phash_256": column}), Definition(algorithm="phash_256"))
    for candidates in (10, 1e9):
        chosen = choose_criteria(rows, AuditOptions(candidates=candidates), thumbnails=True)
        rule = chosen.rule
        assert chosen.criteria.radius == rule["limit"] == 64 < rule["largest"] == 80
        said = radius_in_words({"radius": 64, "radius_rule": rule})
        assert said[1].endswith("would take too long to search")


@pytest.mark.parametrize(
    ("options", "thumbnails", "by", "radius"),
    [
        (AuditOptions(radius=0), True, "given", 0),
        (AuditOptions(radius=7), True, "given", 7),
        (AuditOptions(), False, "usual", 4),
    ],
)
def test_a_radius_that_candidates_do_not_set_is_not_narrowed(options, thumbnails, by, radius):
    chosen = choose_criteria(CROWDED, options, thumbnails=thumbnails)
    assert (chosen.rule["by"], chosen.criteria.radius) == (by, radius)
    assert not chosen.rule["narrowed"]


@given(
    st.lists(st.floats(0, 1e6), min_size=65, max_size=65),
    st.integers(1, 10**9),
    st.floats(1e-3, 1e6),
)
def test_widest_radius_against_a_loop(neighbours, rows, per_image):
    total, widest = 0.0, 0
    for distance in range(largest_radius(64, rows) + 1):
        total += neighbours[distance]
        if distance % 2 == 0 and total <= per_image:
            widest = distance
    assert widest_radius(np.array(neighbours), rows, per_image) == widest


def test_the_terminal_and_the_report_say_why(tmp_path, capsys):
    sources = [folder_source(text) for text in planted(tmp_path)]
    out = tmp_path / "out"
    few = AuditOptions(candidates=1e-9)
    summary = audit(out, sources, few, IngestOptions(workers=0)).summary
    assert summary["radius"] == 0
    assert summary["radius_rule"]["meaning"] == "equal hashes only"
    assert summary["radius_rule"]["narrowed"]
    show_audit(summary, {}, "out")
    printed = " ".join(capsys.readouterr().out.split())
    why = "Fewer images would have a larger radius, 16 bits at most"
    assert f"only equal hashes were compared {why}" in printed
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<dd>0 bits of 64: equal hashes only; by chance, " in page
    assert f"other images are that near to each image. {why}" in page
