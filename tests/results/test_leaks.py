"""The table of leaks against a plain loop over every pair."""

import pytest

from fastphash.joins.options import JoinOptions
from fastphash.results.leaks import find_leaks
from fastphash.results.schemas import LEAKS_SCHEMA
from fastphash.verify.criteria import CopyCriteria
from tests.support.plain_tables import TABLES, plain_leaks, table

table_kinds = pytest.mark.parametrize("kind", TABLES, ids=lambda kind: " ".join(kind) or "whole")
seeds = pytest.mark.parametrize("seed", range(3))
radii = pytest.mark.parametrize("radius", [0, 1, 3])


@table_kinds
@seeds
@radii
def test_leaks_are_those_of_a_plain_loop(radius, seed, kind):
    needles, haystack = table(seed, 25, ["val"], **kind), table(seed + 10, 30, ["train"], **kind)
    found = find_leaks(needles, haystack, CopyCriteria(radius))
    assert found.schema.equals(LEAKS_SCHEMA)
    assert found.to_pylist() == list(plain_leaks(needles, haystack, radius))


@pytest.mark.parametrize("block", [1, 40])
def test_leaks_do_not_depend_on_the_size_of_a_block(monkeypatch, block):
    needles, haystack = table(3, 25), table(4, 30)
    whole = find_leaks(needles, haystack, CopyCriteria(2))
    monkeypatch.setattr("fastphash.joins.batches._MIN_PAIRS", block)
    criteria = CopyCriteria(2, options=JoinOptions(memory=1))
    assert find_leaks(needles, haystack, criteria).equals(whole)
