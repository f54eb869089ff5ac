"""The table of leaks against a plain loop over every pair."""

import numpy as np
import pytest

from fastphash.joins.options import JoinOptions
from fastphash.results.decisions import NOTHING_DECIDED
from fastphash.results.leak_table import find_leaks, merge_leaks
from fastphash.results.schemas import LEAKS_SCHEMA
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.findings import NO_FINDINGS
from tests.support.examples import slow_but
from tests.support.findings import findings_in
from tests.support.plain_tables import TABLES, plain_leaks, some_decisions, table

SPLITS = ["train", "val", "test"]
table_kinds = pytest.mark.parametrize("kind", TABLES, ids=lambda kind: " ".join(kind) or "whole")
seeds = pytest.mark.parametrize("seed", slow_but([0], range(3)))
radii = pytest.mark.parametrize("radius", slow_but([3], [0, 1, 3]))


def leak_table(rows, criteria, decided=NOTHING_DECIDED, splits=SPLITS, findings=NO_FINDINGS):
    return merge_leaks(find_leaks(rows, splits, criteria, decided, findings)).table(rows, findings)


@table_kinds
@seeds
@radii
def test_leaks_are_those_of_a_plain_loop(radius, seed, kind):
    rows = table(seed, 40, SPLITS, **kind)
    found = leak_table(rows, CopyCriteria(radius))
    assert found.schema.equals(LEAKS_SCHEMA)
    assert found.to_pylist() == list(plain_leaks(rows, radius))


@table_kinds
@seeds
@pytest.mark.parametrize("radius", slow_but([3], [0, 3]))
def test_decisions_count_more_than_kinds(radius, seed, kind):
    rows = table(seed, 30, SPLITS, **kind)
    decided = some_decisions(rows, seed)
    found = leak_table(rows, CopyCriteria(radius), decided).to_pylist()
    assert found == list(plain_leaks(rows, radius, decided))


@table_kinds
@seeds
@pytest.mark.parametrize("radius", slow_but([3], [0, 3]))
def test_findings_count_more_than_thumbnails(radius, seed, kind):
    rows = table(seed, 20, SPLITS, **kind)
    findings = findings_in(rows, seed)
    for decided in (NOTHING_DECIDED, some_decisions(rows, seed)):
        found = leak_table(rows, CopyCriteria(radius), decided, findings=findings).to_pylist()
        assert found == list(plain_leaks(rows, radius, decided, findings))


def test_an_image_in_two_other_splits_is_one_row():
    rows = table(5, 30, SPLITS)
    found = leak_table(rows, CopyCriteria(0)).to_pylist()
    images = [(row["needle_split"], row["needle_path"]) for row in found]
    assert len(images) == len(set(images))
    assert {len(row["also_in"].split(",")) for row in found if row["also_in"]} == {1}
    assert all(row["haystack_split"] not in row["also_in"] for row in found)


@pytest.mark.parametrize("block", [1, 40])
def test_leaks_do_not_depend_on_the_size_of_a_block(monkeypatch, block):
    rows = table(3, 55, SPLITS)
    decided = some_decisions(rows, 1)
    whole = leak_table(rows, CopyCriteria(2), decided)
    monkeypatch.setattr("fastphash.joins.batches._MIN_PAIRS", block)
    assert leak_table(rows, CopyCriteria(2, options=JoinOptions(memory=1)), decided).equals(whole)


@pytest.mark.parametrize("splits", [["all"], ["val", "train"]])
def test_nothing_leaks_from_one_split_or_from_none(splits):
    for rows in (table(1, 0, splits), table(1, 9, splits[:1])):
        assert leak_table(rows, CopyCriteria(0), splits=splits).to_pylist() == []
        leaks = find_leaks(rows, splits, CopyCriteria(0), NOTHING_DECIDED)
        assert len(leaks) == len(splits) * (len(splits) - 1)
        assert not any(np.any(one.is_copy) for one in leaks)
