"""The table of pairs against a plain loop over every pair."""

import pyarrow as pa
import pytest

from fastphash.base.vocabulary import KINDS
from fastphash.errors import DefinitionError, TooManyPairsError
from fastphash.hashing.definition import Definition
from fastphash.joins.options import JoinOptions
from fastphash.results import pairs as pairs_module
from fastphash.results.decisions import NOTHING_DECIDED
from fastphash.results.groups import group_rows
from fastphash.results.leak_table import find_leaks, merge_leaks
from fastphash.results.pairs import filter_kinds, find_pairs
from fastphash.results.priority import order_splits, priority
from fastphash.results.schemas import GROUPS_SCHEMA, LEAKS_SCHEMA, PAIRS_SCHEMA
from fastphash.verification.criteria import CopyCriteria
from tests.support.examples import slow_but
from tests.support.plain_tables import (
    EXACT,
    LOOKED,
    NAME,
    PARTS,
    RELATION,
    SIDES,
    TABLES,
    names,
    plain_groups,
    plain_leaks,
    plain_pairs,
    plain_priority,
    plain_stars,
    relation,
    table,
)

table_kinds = pytest.mark.parametrize("kind", TABLES, ids=lambda kind: " ".join(kind) or "whole")
seeds = pytest.mark.parametrize("seed", slow_but([0], range(3)))
radii = pytest.mark.parametrize("radius", slow_but([3], [0, 1, 3]))


def test_the_tables_hold_every_kind():
    kinds = {pair.kind for *_, pair in plain_pairs(table(1, 30), table(2, 30))}
    assert kinds == set(KINDS) - {"near", "cropped", "altered", "unverified"}
    unseen = plain_pairs(table(1, 30, thumbnails=False), table(2, 30, thumbnails=False))
    assert {pair.kind for *_, pair in unseen} == {"identical", "exact", "unverified"}


def test_columns_are_those_of_the_design():
    def columns(schema):
        return list(zip(schema.names, schema.types, strict=True))

    assert columns(PAIRS_SCHEMA) == SIDES + RELATION + EXACT
    assert columns(LEAKS_SCHEMA) == [
        *SIDES,
        *RELATION,
        *PARTS,
        *LOOKED,
        ("confirmed", pa.bool_()),
        ("matches", pa.int64()),
        ("also_in", pa.string()),
        *EXACT,
    ]
    assert columns(GROUPS_SCHEMA) == [
        ("group", pa.int64()),
        ("split", NAME),
        ("path", pa.string()),
        ("role", NAME),
        *RELATION,
        *PARTS,
        *LOOKED,
        ("keeper_split", NAME),
        ("keeper_path", pa.string()),
        ("keeper_reason", NAME),
        ("path_bytes", pa.binary()),
        ("keeper_path_bytes", pa.binary()),
    ]


@table_kinds
@seeds
@radii
def test_pairs_are_those_of_a_plain_loop(radius, seed, kind):
    needles, haystack = table(seed, 25, **kind), table(seed + 10, 30, **kind)
    pieces = list(find_pairs(needles, haystack, CopyCriteria(radius), 10**6))
    assert all(piece.schema.equals(PAIRS_SCHEMA) for piece in pieces)
    wanted = [
        names(needles, i, "needle_") | names(haystack, j, "haystack_") | relation(pair)
        for i, j, pair in plain_pairs(needles, haystack, radius)
    ]
    assert pa.concat_tables(pieces).to_pylist() == wanted


def test_pairs_come_in_the_same_order_in_pieces_of_any_size(monkeypatch):
    needles, haystack = table(1, 25), table(2, 30)
    (whole,) = find_pairs(needles, haystack, CopyCriteria(1), 10**6)
    monkeypatch.setattr("fastphash.joins.batches._MIN_PAIRS", 40)
    criteria = CopyCriteria(1, options=JoinOptions(memory=1))
    pieces = list(find_pairs(needles, haystack, criteria, 10**6))
    assert len(pieces) > 5
    assert pa.concat_tables(pieces).to_pylist() == whole.to_pylist()


@pytest.mark.slow
def test_tables_hold_as_many_thumbnails_as_memory_allows():
    needles, haystack = table(1, 25), table(2, 30)
    assert needles.has_thumbnails
    (whole,) = find_pairs(needles, haystack, CopyCriteria(1), 10**6)
    for pairs in (1, 7):
        memory = int(pairs * pairs_module._SEEN_BYTES / pairs_module._SEEN_SHARE)
        criteria = CopyCriteria(1, options=JoinOptions(memory=memory))
        pieces = list(find_pairs(needles, haystack, criteria, 10**6))
        assert max(map(len, pieces)) == pairs < len(whole)
        assert pa.concat_tables(pieces).to_pylist() == whole.to_pylist()


def test_one_pair_too_many_is_an_error_before_any_is_given():
    needles, haystack = table(1, 20), table(2, 20)
    number = len(list(plain_pairs(needles, haystack)))
    assert sum(map(len, find_pairs(needles, haystack, CopyCriteria(0), number))) == number
    with pytest.raises(TooManyPairsError, match="`max_pairs`"):
        next(find_pairs(needles, haystack, CopyCriteria(0), number - 1))


def test_hashes_made_otherwise_are_not_paired():
    needles = table(1, 3)
    needles.definition = Definition(exif=True)
    with pytest.raises(DefinitionError):
        next(find_pairs(needles, table(2, 3), CopyCriteria(0), 100))


def test_pairs_of_some_kinds_alone():
    pieces = list(find_pairs(table(1, 25), table(2, 30), CopyCriteria(0), 10**6))
    chosen = pa.concat_tables(filter_kinds(pieces, ["identical", "collision"])).to_pylist()
    assert chosen == [
        row
        for row in pa.concat_tables(pieces).to_pylist()
        if row["kind"] in ("identical", "collision")
    ]
    assert {row["kind"] for row in chosen} == {"identical", "collision"}


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 5), (5, 0), (1, 1)])
def test_small_and_empty_tables_give_empty_or_small_results(one, other):
    needles, haystack = table(1, one), table(2, other)
    splits = table(3, one + other)
    leaks = find_leaks(splits, ["train", "val"], CopyCriteria(0), NOTHING_DECIDED)
    assert merge_leaks(leaks).table(splits).to_pylist() == list(plain_leaks(splits))
    pairs = list(find_pairs(needles, haystack, CopyCriteria(0), 100))
    assert sum(map(len, pairs)) == len(list(plain_pairs(needles, haystack)))
    assert group_rows(needles, CopyCriteria(0)).table().to_pylist() == list(plain_groups(needles))
    assert sum(group_rows(needles, CopyCriteria(0)).count_copies().kinds.values()) == len(
        list(plain_stars(needles))
    )
    assert priority(needles, order_splits(needles)).tolist() == plain_priority(needles, [])
