import numpy as np
import pytest

from fastphash.cluster.matches import SparkJoin
from fastphash.cluster.tables import has_partner
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.groups.grouping import has_partner as has_partner_here
from fastphash.hashing.definition import Definition
from fastphash.joins.index import Index
from fastphash.store.rows import HashTable
from tests.cluster.test_join_stages import SETS, near
from tests.support.cluster import in_memory, joined, table_of

pytestmark = pytest.mark.slow


def on_spark(session, left, right, radius, **options):
    return joined(SparkJoin(session, left, right, radius, **options).matches())


def turned_rows(rng):
    turned = rng.integers(0, 2**64, (900, 8), np.uint64)
    turned[200:250, 3], turned[250:300] = turned[:50, 0], turned[:50]
    turned[100:150, 0] ^= np.uint64(5)
    turned[60:70, 4] = turned[60:70, 0]
    return turned


@pytest.mark.parametrize("make", SETS)
def test_spark_finds_what_one_machine_finds(spark, make):
    rng = np.random.default_rng(7)
    values = make(rng)
    one, other = table_of(values), table_of(near(values, 500, 3, rng))
    for right in (None, other):
        found = on_spark(spark, one, right, 4, share_rows=400)
        assert found == in_memory(one, right, 4)
        assert found


@pytest.mark.parametrize("sides", ["within", "both", "left", "right"])
def test_spark_finds_turned_copies(spark, sides):
    rng = np.random.default_rng(8)
    turned = turned_rows(rng)
    upright = table_of(near(turned[:, 5], 300, 2, rng))
    left = upright if sides == "right" else table_of(turned)
    right = {"within": None, "left": upright}.get(sides, table_of(turned[::-1]))
    found = on_spark(spark, left, right, 5, share_rows=300)
    assert found == in_memory(left, right, 5)
    assert len(found) > 50


@pytest.mark.parametrize("make", [*SETS, turned_rows])
def test_rows_with_a_partner_are_those_of_one_machine(spark, make):
    table = table_of(make(np.random.default_rng(9)))
    expected = has_partner_here(Index(table.hashes, table.known), 3)
    np.testing.assert_array_equal(has_partner(spark, table, 3), expected)
    assert expected.any()


def test_found_values_that_are_too_many_are_joined_by_spark_alone(spark, monkeypatch):
    monkeypatch.setattr("fastphash.cluster.matches._MOST_WANTED", 10)
    table = table_of(SETS[0](np.random.default_rng(10)))
    assert on_spark(spark, table, None, 4) == in_memory(table, None, 4)


def test_nothing_is_found_in_nothing(spark):
    empty, full = table_of(np.empty(0, np.uint64)), table_of(np.arange(3, dtype=np.uint64))
    assert on_spark(spark, empty, None, 4) == []
    assert on_spark(spark, empty, full, 4) == on_spark(spark, full, empty, 4) == []
    far = table_of(np.array([2**40], np.uint64))
    assert on_spark(spark, full, far, 0) == []


def test_too_many_pairs_are_told_before_they_are_made(spark):
    # 5 x 10^11 pairs
    equal = table_of(np.zeros(1_000_000, np.uint64))
    with pytest.raises(TooManyPairsError, match="499,999,500,000 pairs, more than the limit of 10"):
        on_spark(spark, equal, None, 0, max_pairs=10)


@pytest.mark.parametrize("turned", [False, True])
def test_as_many_pairs_as_the_limit_are_found(spark, turned):
    rng = np.random.default_rng(11)
    table = table_of(turned_rows(rng) if turned else SETS[0](rng))
    expected = in_memory(table, None, 3)
    assert on_spark(spark, table, None, 3, max_pairs=len(expected)) == expected
    with pytest.raises(TooManyPairsError) as error:
        on_spark(spark, table, None, 3, max_pairs=len(expected) - 1)
    assert error.value.pairs == len(expected)


def test_hashes_of_256_bits_are_refused(spark):
    wide = HashTable(table_of(np.zeros(1, np.uint64)).table, Definition(algorithm="pdq"))
    with pytest.raises(
        UsageError, match="Spark joins hashes of 64 bits, and those of pdq have 256"
    ):
        SparkJoin(spark, wide, None, 4)
