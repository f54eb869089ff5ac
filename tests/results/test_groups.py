"""The table of groups against a plain loop over every pair."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from fastphash.base.vocabulary import COPY_KINDS, SURE_KINDS
from fastphash.errors import UsageError
from fastphash.hashing.definition import HASH_COLUMNS
from fastphash.results.decisions import NOTHING_DECIDED
from fastphash.results.groups import candidates, group_rows
from fastphash.results.priority import keep_in_first, order_splits, priority
from fastphash.results.schemas import GROUPS_SCHEMA
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.looked_pairs import LookedPairs
from tests.support.examples import slow_but
from tests.support.findings import findings_in
from tests.support.plain_tables import (
    NO_COPIES,
    TABLES,
    Relation,
    by_pair,
    plain_groups,
    plain_pairs,
    plain_priority,
    plain_stars,
    some_decisions,
    table,
    word_about,
)
from tests.support.stores import hashes_of

table_kinds = pytest.mark.parametrize("kind", TABLES, ids=lambda kind: " ".join(kind) or "whole")
seeds = pytest.mark.parametrize("seed", slow_but([0], range(3)))
radii = pytest.mark.parametrize("radius", slow_but([3], [0, 1, 3]))


@table_kinds
@seeds
@radii
def test_groups_are_those_of_a_plain_loop(radius, seed, kind):
    rows = table(seed, 40, **kind)
    found = group_rows(rows, CopyCriteria(radius)).table()
    assert found.schema.equals(GROUPS_SCHEMA)
    assert found.to_pylist() == list(plain_groups(rows, radius))


@table_kinds
@seeds
@pytest.mark.parametrize("radius", [0, 3])
def test_decisions_count_more_than_kinds(radius, seed, kind):
    rows = table(seed, 30, **kind)
    decided = some_decisions(rows, seed)
    grouped = group_rows(rows, CopyCriteria(radius), decided=decided)
    assert grouped.table().to_pylist() == list(plain_groups(rows, radius, decided))
    stars = list(plain_stars(rows, radius, decided))
    by_decision = [
        pair
        for copy, keeper, pair in stars
        if word_about(copy, keeper, decided) and pair.kind in ("near", *NO_COPIES)
    ]
    counts = grouped.count_copies().kinds
    assert sum(counts.values()) == len(stars)
    # one of the bytes of another copy counts as identical
    assert counts.get("confirmed", 0) <= len(by_decision)


@table_kinds
@seeds
@pytest.mark.parametrize("radius", [0, 3])
def test_findings_count_more_than_thumbnails(radius, seed, kind):
    rows = table(seed, 20, **kind)
    findings = findings_in(rows, seed)
    for decided in (NOTHING_DECIDED, some_decisions(rows, seed)):
        grouped = group_rows(rows, CopyCriteria(radius), decided=decided, findings=findings)
        assert grouped.table().to_pylist() == list(plain_groups(rows, radius, decided, findings))


@table_kinds
@seeds
@pytest.mark.parametrize("kinds", [SURE_KINDS, COPY_KINDS])
def test_pairs_that_need_a_look_and_had_none_are_no_copies(seed, kind, kinds):
    rows = table(seed, 30, **kind)
    findings = findings_in(rows, seed)
    looked = LookedPairs.of(findings, rows)
    findings = findings.spread(looked.digests)
    for decided in (NOTHING_DECIDED, some_decisions(rows, seed)):
        grouped = group_rows(
            rows, CopyCriteria(0), decided=decided, kinds=kinds, findings=findings, looked=looked
        )
        keepers = looked_stars(rows, kinds, decided, findings)
        assert grouped.keepers.keeper.tolist() == keepers
        assert not grouped.count_unlooked(looked, SURE_KINDS)


def looked_stars(rows, kinds, decided, findings):
    """The keeper of each row, where a look at another file of its bytes or pixels counts."""
    found = by_pair(findings)
    pixels = [one.tobytes() if one.any() else None for one in rows.pixel_digests]
    looked_at = findings.pairs[findings.looked].tolist()

    def same(i, j):
        same_bytes = (rows.digests[i] == rows.digests[j]).all()
        return same_bytes or (pixels[i] == pixels[j] is not None)

    def looked(i, j):
        return same(i, j) or any(
            (same(i, k) and same(j, m)) or (same(i, m) and same(j, k)) for k, m in looked_at
        )

    if rows.thumbnails is None and kinds == COPY_KINDS:
        kinds = (*kinds, "unverified")
    keepers = []
    for i in range(len(rows)):
        for k in dict.fromkeys(keepers):
            word = word_about(i, k, decided)
            pair = Relation(rows, i, rows, k, 0, found.get((i, k)))
            is_copy = pair.found and pair.kind in kinds
            if is_copy and pair.kind in ("exact", "augmented"):
                is_copy = looked(i, k)
            if word != "not_copies" and (is_copy or word == "copies"):
                keepers.append(k)
                break
        else:
            keepers.append(i)
    return keepers


def test_nobody_is_removed_for_a_copy_of_a_copy():
    """Turned, b is a and, turned otherwise, c; so b joins a, and c, no copy of a, stays."""
    hashes = np.arange(24, dtype=np.uint64).reshape(3, 8)
    hashes[1, 1], hashes[1, 2] = hashes[0, 0], hashes[2, 0]
    columns = {"split": ["all"] * 3, "path": ["a", "b", "c"]}
    columns |= {name: hashes[:, t].copy() for t, name in enumerate(HASH_COLUMNS)}
    groups = group_rows(hashes_of(columns), CopyCriteria(0)).table().to_pylist()
    assert [(row["path"], row["role"]) for row in groups] == [("a", "keeper"), ("b", "copy")]


@table_kinds
@seeds
@radii
def test_copies_are_counted_by_kind_and_by_distance(radius, seed, kind):
    rows = table(seed, 40, **kind)
    wanted = dict.fromkeys(COPY_KINDS, 0)
    distances = Counter()
    stars = list(plain_stars(rows, radius))
    same_pixels, seen = 0, set()
    for i, k, pair in stars:
        content = k, rows.digests[i].tobytes()
        kind = "identical" if content in seen else pair.kind
        seen.add(content)
        wanted[kind] = wanted.get(kind, 0) + 1
        same_pixels += kind != "identical" and bool(pair.same_pixels)
        if kind not in NO_COPIES:
            distances[str(pair.distance)] += 1
    grouped = {row for keeper, copy, _ in stars for row in (keeper, copy)}
    equal = {i for i, j, _ in plain_pairs(rows, rows, 0) if i != j}
    assert group_rows(rows, CopyCriteria(radius)).count_copies() == (
        wanted,
        distances,
        len(equal - grouped),
        same_pixels,
    )


@table_kinds
@seeds
@radii
def test_candidates_are_the_rows_with_a_partner_in_order(radius, seed, kind):
    rows = table(seed, 12, **kind)
    split_order = order_splits(rows)
    order = plain_priority(rows, [])
    partners = {i for i, j, _ in plain_pairs(rows, rows, radius) if i != j}
    wanted = rows.table["path"].take([i for i in order if i in partners])
    assert (
        candidates(rows, split_order, CopyCriteria(radius)).table["path"].to_pylist()
        == wanted.to_pylist()
    )


@table_kinds
@radii
def test_candidates_that_are_handed_over_are_grouped_alike(radius, kind):
    criteria = CopyCriteria(radius)
    rows, again = (table(3, 40, **kind) for _ in range(2))
    split_order = order_splits(rows)
    wanted = candidates(rows, split_order, criteria)
    given = candidates(again, split_order, criteria, hand_over=True)
    assert not again.table.column_names
    assert not {*HASH_COLUMNS} & {*given.table.column_names}
    assert given.known == wanted.known
    assert group_rows(given, criteria).table().equals(group_rows(wanted, criteria).table())
    some = np.arange(len(given))[::-2]
    np.testing.assert_array_equal(given.take(some).hashes, wanted.take(some).hashes)


def test_rows_without_a_partner_are_no_candidates():
    columns = {"path": ["a", "b", "c"], "split": ["s"] * 3}
    rows = hashes_of(columns | {"phash": np.array([7, 8, 7], np.uint64)})
    assert candidates(rows, ["s"], CopyCriteria(0)).table["path"].to_pylist() == ["a", "c"]


@seeds
@pytest.mark.parametrize("keep_in", [[], ["test"], ["train", "val"]])
def test_priority_is_that_of_a_plain_sort(seed, keep_in):
    rows = table(seed, 60, ["train", "train", "val", "test"])
    split_order = keep_in_first(order_splits(rows), keep_in)
    assert priority(rows, split_order).tolist() == plain_priority(rows, keep_in)


def test_of_equal_splits_the_first_by_name_keeps_its_images():
    columns = {"split": ["b", "a", "c", "c"], "path": list("wxyz"), "phash": np.zeros(4, np.uint64)}
    rows = hashes_of(columns)
    assert priority(rows, order_splits(rows)).tolist() == [1, 0, 2, 3]


def test_a_split_to_keep_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="no split 'test' to keep images in: there are train, val"):
        keep_in_first(order_splits(table(1, 20)), ["test"])


@pytest.mark.parametrize("n", slow_but([50_000], [50_000, 1_000_000]))
def test_any_number_of_copies_is_one_group(n):
    columns = {"split": pa.array(["all"] * n).dictionary_encode(), "path": list(map(str, range(n)))}
    rows = hashes_of(columns | {"phash": np.full(n, 7, np.uint64)})
    groups = group_rows(rows, CopyCriteria(4)).table()
    assert groups.num_rows == n
    assert groups["group"].to_numpy().max() == 0
    assert groups["path"][0].as_py() == "0"
