import numpy as np
import pytest

from fastphash.cluster.matches import SparkJoin
from fastphash.cluster.tables import has_partner
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.external.streams import BATCH_ROWS
from fastphash.external.table_stream import TableStream
from fastphash.groups.grouping import has_partner as has_partner_here
from fastphash.hashing.definition import Definition
from fastphash.joins.index import Index
from fastphash.store.rows import HashTable
from tests.cluster.test_join_stages import SETS, near, two_thirds_blank, uniform
from tests.support.cluster import in_memory, joined, table_of

pytestmark = pytest.mark.slow


def on_spark(session, left, right, radius, share_rows=BATCH_ROWS, **options):
    sides = (side and TableStream(side, share_rows) for side in (left, right))
    return joined(SparkJoin(session, *sides, radius, **options).matches())


def turned_rows(rng):
    turned = rng.integers(0, 2**64, (900, 8), np.uint64)
    turned[200:250, 3], turned[250:300] = turned[:50, 0], turned[:50]
    turned[100:150, 0] ^= np.uint64(5)
    turned[60:70, 4] = turned[60:70, 0]
    return turned


def join_there(monkeypatch, way):
    """Have Spark make pairs of rows: of those with found values, or of all."""
    if way != "driver":
        monkeypatch.setattr("fastphash.cluster.matches._MOST_ROWS", -1)
    if way == "all rows":
        monkeypatch.setattr("fastphash.cluster.matches._MOST_WANTED", -1)


# what the driver joins takes a second, what Spark joins five
EACH = [*((one, "driver") for one in SETS), (two_thirds_blank, "found rows"), (uniform, "all rows")]


@pytest.mark.parametrize(("make", "way"), EACH)
def test_spark_finds_what_one_machine_finds(spark, make, way, monkeypatch):
    join_there(monkeypatch, way)
    rng = np.random.default_rng(7)
    values = make(rng)
    one, other = table_of(values), table_of(near(values, 500, 3, rng))
    for right in (None, other):
        found = on_spark(spark, one, right, 4, share_rows=700)
        assert found == in_memory(one, right, 4)
        assert found


@pytest.mark.parametrize(
    ("sides", "way"),
    [
        *((sides, "driver") for sides in ("within", "both", "left", "right")),
        ("within", "found rows"),
        ("both", "all rows"),
    ],
)
def test_spark_finds_turned_copies(spark, sides, way, monkeypatch):
    join_there(monkeypatch, way)
    rng = np.random.default_rng(8)
    turned = turned_rows(rng)
    upright = table_of(near(turned[:, 5], 300, 2, rng))
    left = upright if sides == "right" else table_of(turned)
    right = {"within": None, "left": upright}.get(sides, table_of(turned[::-1]))
    found = on_spark(spark, left, right, 5, share_rows=400)
    assert found == in_memory(left, right, 5)
    assert len(found) > 50


@pytest.mark.parametrize(
    ("make", "way"),
    [*((one, "driver") for one in (*SETS, turned_rows)), (turned_rows, "found rows")],
)
def test_rows_with_a_partner_are_those_of_one_machine(spark, make, way, monkeypatch):
    join_there(monkeypatch, way)
    table = table_of(make(np.random.default_rng(9)))
    expected = has_partner_here(Index(table.hashes, table.known), 3)
    np.testing.assert_array_equal(has_partner(spark, table, 3), expected)
    assert expected.any()


def test_pairs_of_rows_that_are_too_many_for_the_driver_are_made_by_spark(spark, monkeypatch):
    monkeypatch.setattr("fastphash.cluster.matches._MOST_HERE", 10)
    table = table_of(uniform(np.random.default_rng(10)))
    assert on_spark(spark, table, None, 4) == in_memory(table, None, 4)


def test_nothing_is_found_in_nothing(spark):
    empty, full = table_of(np.empty(0, np.uint64)), table_of(np.arange(3, dtype=np.uint64))
    assert on_spark(spark, empty, None, 4) == []
    assert on_spark(spark, empty, full, 4) == on_spark(spark, full, empty, 4) == []
    far = table_of(np.array([2**40], np.uint64))
    assert on_spark(spark, full, far, 0) == []
    assert not has_partner(spark, empty, 4).size


@pytest.mark.parametrize("way", ["driver", "found rows"])
def test_too_many_pairs_are_told_before_they_are_made(spark, way, monkeypatch):
    join_there(monkeypatch, way)
    # 5 x 10^11 pairs
    equal = table_of(np.zeros(1_000_000, np.uint64))
    with pytest.raises(TooManyPairsError, match="499,999,500,000 pairs, more than the limit of 10"):
        on_spark(spark, equal, None, 0, max_pairs=10)


@pytest.mark.parametrize(("turned", "way"), [(0, "driver"), (1, "driver"), (1, "found rows")])
def test_as_many_pairs_as_the_limit_are_found(spark, turned, way, monkeypatch):
    join_there(monkeypatch, way)
    rng = np.random.default_rng(11)
    table = table_of(turned_rows(rng) if turned else uniform(rng))
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
        SparkJoin(spark, TableStream(wide), None, 4)
