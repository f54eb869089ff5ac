"""Tables of pairs, leaks and groups against plain loops over every pair."""

from collections import Counter

import naive
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from helpers import hashes_of

from fastphash.errors import DefinitionError, TooManyPairsError, UsageError
from fastphash.near import Effort
from fastphash.results import (
    GROUPS_SCHEMA,
    LEAKS_SCHEMA,
    PAIRS_SCHEMA,
    candidates,
    find_leaks,
    find_pairs,
    group_rows,
    of_kinds,
    priority,
)
from fastphash.store import HASH_COLUMNS, Definition
from fastphash.words import INVERSE, KINDS, ORIENTATIONS

TURNS = [
    lambda a: a,
    np.rot90,
    lambda a: np.rot90(a, 2),
    lambda a: np.rot90(a, 3),
    np.fliplr,
    np.flipud,
    np.transpose,
    lambda a: np.rot90(a, 2).T,
]
NAME = pa.dictionary(pa.int32(), pa.string())
RELATION = [
    ("kind", NAME),
    ("distance", pa.uint8()),
    ("orientation", NAME),
    ("score", pa.float32()),
    ("colour", NAME),
    ("colour_distance", pa.float32()),
]
SIDES = [
    ("needle_split", NAME),
    ("needle_path", pa.string()),
    ("haystack_split", NAME),
    ("haystack_path", pa.string()),
]
EXACT = [("needle_path_bytes", pa.binary()), ("haystack_path_bytes", pa.binary())]


def plain_hash(thumbnail):
    """So few values that pictures which have nothing in common collide."""
    return xxhash.xxh3_64_intdigest(np.ascontiguousarray(thumbnail).tobytes()) % 5


def pictures():
    """Noise, of which no two agree, one of them mirror-symmetric."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 32, 32), np.uint8)
    noise[2] = np.minimum(noise[2], np.fliplr(noise[2]))
    return noise


PICTURES = pictures()


def table(seed, rows, splits=("train", "val"), *, thumbnails=True, orientations=True):
    """Turned pictures in random order, some with the same bytes: all kinds of pairs occur."""
    rng = np.random.default_rng(seed)
    drawn = [TURNS[rng.integers(8)](PICTURES[rng.integers(3)]) for _ in range(rows)]
    hashes = np.array([[plain_hash(turn(one)) for turn in TURNS] for one in drawn], np.uint64)
    hashes = hashes.reshape(rows, 8)
    columns = {
        "split": pa.array(rng.choice(splits, rows).tolist(), pa.string()).dictionary_encode(),
        "path": pa.array([f"{i:03d}" for i in rng.permutation(rows)], pa.string()),
        "path_bytes": pa.array(
            [None if i % 3 else b"\xff%03d" % i for i in range(rows)], pa.binary()
        ),
        "size": rng.integers(1, 3, rows),
        "width": rng.integers(1, 3, rows),
        "height": rng.integers(1, 3, rows),
        # equal bytes have equal pictures
        "digest": pa.array(
            [xxhash.xxh3_128_digest(one.tobytes() + b"%d" % rng.integers(2)) for one in drawn],
            pa.binary(16),
        ),
    }
    for t, name in enumerate(HASH_COLUMNS if orientations else HASH_COLUMNS[:1]):
        columns[name] = np.ascontiguousarray(hashes[:, t])
    if thumbnails:
        columns["thumbnail"] = pa.array([one.tobytes() for one in drawn], pa.binary(1024))
    return hashes_of(columns)


class Relation:
    """What row i of one table is to row j of another: one pair at a time."""

    def __init__(self, one, i, other, j, radius):
        a, b = one.phashes[i], other.phashes[j]
        apart = [min(self.apart(a, t, b), self.apart(b, INVERSE[t], a)) for t in range(8)]
        self.distance = min(apart)
        self.found = self.distance <= radius
        if not self.found:
            return
        bits = sum(1 << t for t in range(8) if apart[t] == self.distance)
        self.agrees, self.orientation, self.score = False, naive.first_bit(bits), np.nan
        if one.thumbnails is not None:
            pixels = np.stack([one.thumbnails[i], other.thumbnails[j]])
            found = naive.verdict(pixels, 0, 1, self.distance, bits)
            self.agrees, self.orientation, self.score = found
        self.identical = bool((one.digests[i] == other.digests[j]).all())
        if self.identical:
            self.orientation, self.score = 0, 1
        self.kind = self.kind_of_others()

    def kind_of_others(self):
        if self.identical:
            return "identical"
        if self.agrees:
            return "augmented" if self.orientation else "exact"
        unseen_at_a_distance = np.isnan(self.score) and self.distance
        return "near" if self.score >= 0.5 or unseen_at_a_distance else "collision"

    @staticmethod
    def apart(turned, t, upright):
        if t and turned.size == 1:
            return 65
        return int(turned[t] ^ upright[0]).bit_count()

    @property
    def strength(self):
        return KINDS.index(self.kind), self.distance, self.orientation


def names(rows, i, side=""):
    row = rows.table.select(["split", "path", "path_bytes"]).take([i]).to_pylist()[0]
    return {f"{side}{name}": value for name, value in row.items()}


def relation(pair):
    return {
        "kind": pair.kind,
        "distance": pair.distance,
        "orientation": ORIENTATIONS[pair.orientation],
        "score": None if np.isnan(pair.score) else pytest.approx(pair.score, abs=5e-3),
        # the tables say nothing of colours, but the same bytes have the same
        "colour": "same" if pair.identical else None,
        "colour_distance": 0.0 if pair.identical else None,
    }


def plain_pairs(one, other, radius=0):
    for i in range(len(one)):
        for j in range(len(other)):
            pair = Relation(one, i, other, j, radius)
            if pair.found:
                yield i, j, pair


def plain_leaks(needles, haystack, radius=0):
    """The strongest pair of each needle; the rest that are copies too, or collide, are counted."""
    of_needle = {}
    for i, j, pair in plain_pairs(needles, haystack, radius):
        if pair.kind != "collision" or not pair.distance:
            of_needle.setdefault(i, []).append((pair.strength, j, pair))
    for i, several in of_needle.items():
        _, j, best = min(several, key=lambda found: found[:2])
        alike = sum(
            (pair.kind == "collision") == (best.kind == "collision") for *_, pair in several
        )
        sides = names(needles, i, "needle_") | names(haystack, j, "haystack_")
        yield sides | relation(best) | {"matches": alike - 1}


def plain_stars(rows, radius=0):
    """Each row joins the first keeper that it is a copy of, or near where nobody can look."""
    keepers = []
    for i in range(len(rows)):
        for k in keepers:
            pair = Relation(rows, i, rows, k, radius)
            if pair.found and (pair.kind != "collision" or rows.thumbnails is None):
                yield i, k, pair
                break
        else:
            keepers.append(i)


def plain_groups(rows, radius=0):
    groups = {}
    for i, k, pair in plain_stars(rows, radius):
        groups.setdefault(k, []).append((i, pair))
    for number, (k, copies) in enumerate(sorted(groups.items())):
        none = dict.fromkeys(name for name, _ in RELATION)
        yield {"group": number, "role": "keeper"} | names(rows, k) | none
        for i, pair in copies:
            yield {"group": number, "role": "copy"} | names(rows, i) | relation(pair)


TABLES = [
    {},
    {"thumbnails": False},
    {"orientations": False},
    {"thumbnails": False, "orientations": False},
]
table_kinds = pytest.mark.parametrize("kind", TABLES, ids=lambda kind: " ".join(kind) or "whole")
seeds = pytest.mark.parametrize("seed", range(3))
radii = pytest.mark.parametrize("radius", [0, 1, 3])


def test_the_tables_hold_every_kind():
    kinds = {pair.kind for *_, pair in plain_pairs(table(1, 30), table(2, 30))}
    assert kinds == set(KINDS) - {"near"}


def test_columns_are_those_of_the_design():
    def columns(schema):
        return list(zip(schema.names, schema.types, strict=True))

    assert columns(PAIRS_SCHEMA) == SIDES + RELATION + EXACT
    assert columns(LEAKS_SCHEMA) == [*SIDES, *RELATION, ("matches", pa.int64()), *EXACT]
    assert columns(GROUPS_SCHEMA) == [
        ("group", pa.int64()),
        ("split", NAME),
        ("path", pa.string()),
        ("role", NAME),
        *RELATION,
        ("path_bytes", pa.binary()),
    ]


@table_kinds
@seeds
@radii
def test_pairs_are_those_of_a_plain_loop(radius, seed, kind):
    needles, haystack = table(seed, 25, **kind), table(seed + 10, 30, **kind)
    pieces = list(find_pairs(needles, haystack, radius, 10**6))
    assert all(piece.schema.equals(PAIRS_SCHEMA) for piece in pieces)
    wanted = [
        names(needles, i, "needle_") | names(haystack, j, "haystack_") | relation(pair)
        for i, j, pair in plain_pairs(needles, haystack, radius)
    ]
    assert pa.concat_tables(pieces).to_pylist() == wanted


def test_pairs_come_in_the_same_order_in_pieces_of_any_size(monkeypatch):
    needles, haystack = table(1, 25), table(2, 30)
    (whole,) = find_pairs(needles, haystack, 1, 10**6)
    monkeypatch.setattr("fastphash.joins._LEAST_PAIRS", 40)
    pieces = list(find_pairs(needles, haystack, 1, 10**6, effort=Effort(memory=1)))
    assert len(pieces) > 5
    assert pa.concat_tables(pieces).to_pylist() == whole.to_pylist()


def test_one_pair_too_many_is_an_error_before_any_is_given():
    needles, haystack = table(1, 20), table(2, 20)
    number = len(list(plain_pairs(needles, haystack)))
    assert sum(map(len, find_pairs(needles, haystack, 0, number))) == number
    with pytest.raises(TooManyPairsError, match="--max-pairs"):
        next(find_pairs(needles, haystack, 0, number - 1))


def test_hashes_made_otherwise_are_not_paired():
    needles = table(1, 3)
    needles.definition = Definition(exif=True)
    with pytest.raises(DefinitionError):
        next(find_pairs(needles, table(2, 3), 0, 100))


@table_kinds
@seeds
@radii
def test_leaks_are_those_of_a_plain_loop(radius, seed, kind):
    needles, haystack = table(seed, 25, ["val"], **kind), table(seed + 10, 30, ["train"], **kind)
    found = find_leaks(needles, haystack, radius)
    assert found.schema.equals(LEAKS_SCHEMA)
    assert found.to_pylist() == list(plain_leaks(needles, haystack, radius))


@pytest.mark.parametrize("block", [1, 40])
def test_leaks_do_not_depend_on_the_size_of_a_block(monkeypatch, block):
    needles, haystack = table(3, 25), table(4, 30)
    whole = find_leaks(needles, haystack, 2)
    monkeypatch.setattr("fastphash.joins._LEAST_PAIRS", block)
    assert find_leaks(needles, haystack, 2, effort=Effort(memory=1)).equals(whole)


@table_kinds
@seeds
@radii
def test_groups_are_those_of_a_plain_loop(radius, seed, kind):
    rows = table(seed, 40, **kind)
    found = group_rows(rows, radius).table()
    assert found.schema.equals(GROUPS_SCHEMA)
    assert found.to_pylist() == list(plain_groups(rows, radius))


def test_nobody_is_removed_for_a_copy_of_a_copy():
    """Turned, b is a and, turned otherwise, c; so b joins a, and c, no copy of a, stays."""
    hashes = np.arange(24, dtype=np.uint64).reshape(3, 8)
    hashes[1, 1], hashes[1, 2] = hashes[0, 0], hashes[2, 0]
    columns = {"split": ["all"] * 3, "path": ["a", "b", "c"]}
    columns |= {name: hashes[:, t].copy() for t, name in enumerate(HASH_COLUMNS)}
    groups = group_rows(hashes_of(columns), 0).table().to_pylist()
    assert [(row["path"], row["role"]) for row in groups] == [("a", "keeper"), ("b", "copy")]


@table_kinds
@seeds
@radii
def test_copies_are_counted_by_kind_and_by_distance(radius, seed, kind):
    rows = table(seed, 40, **kind)
    wanted = dict.fromkeys(["identical", "exact", "augmented", "near"], 0)
    distances = Counter()
    stars = list(plain_stars(rows, radius))
    for _, _, pair in stars:
        wanted[pair.kind] = wanted.get(pair.kind, 0) + 1
        if pair.kind != "collision":
            distances[str(pair.distance)] += 1
    grouped = {row for keeper, copy, _ in stars for row in (keeper, copy)}
    equal = {i for i, j, _ in plain_pairs(rows, rows, 0) if i != j}
    assert group_rows(rows, radius).counted() == (wanted, distances, len(equal - grouped))


@table_kinds
@seeds
@radii
def test_candidates_are_the_rows_with_a_partner_in_order(radius, seed, kind):
    rows = table(seed, 12, **kind)
    order = np.random.default_rng(seed).permutation(len(rows))
    partners = {i for i, j, _ in plain_pairs(rows, rows, radius) if i != j}
    wanted = rows.table["path"].take([i for i in order if i in partners])
    assert candidates(rows, order, radius).table["path"].to_pylist() == wanted.to_pylist()


def test_rows_without_a_partner_are_no_candidates():
    rows = hashes_of({"path": ["a", "b", "c"], "phash": np.array([7, 8, 7], np.uint64)})
    order = np.array([2, 1, 0])
    assert candidates(rows, order, 0).table["path"].to_pylist() == ["c", "a"]


def plain_priority(rows, keep_in):
    columns = rows.table.select(["split", "path", "path_bytes", "size", "width", "height"])
    rows = columns.to_pylist()
    splits = [row["split"] for row in rows]

    def rank(i):
        row = rows[i]
        kept = keep_in.index(row["split"]) if row["split"] in keep_in else len(keep_in)
        path = row["path_bytes"] or row["path"].encode()
        pixels = row["width"] * row["height"]
        return kept, splits.count(row["split"]), row["split"], -pixels, -row["size"], path

    return sorted(range(len(rows)), key=rank)


@seeds
@pytest.mark.parametrize("keep_in", [[], ["test"], ["train", "val"]])
def test_priority_is_that_of_a_plain_sort(seed, keep_in):
    rows = table(seed, 60, ["train", "train", "val", "test"])
    assert priority(rows, keep_in).tolist() == plain_priority(rows, keep_in)


def test_of_equal_splits_the_first_by_name_keeps_its_images():
    columns = {"split": ["b", "a", "c", "c"], "path": list("wxyz"), "phash": np.zeros(4, np.uint64)}
    assert priority(hashes_of(columns), []).tolist() == [1, 0, 2, 3]


def test_a_split_to_keep_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="no split 'test' to keep images in: there are train, val"):
        priority(table(1, 20), ["test"])


def test_pairs_of_some_kinds_alone():
    pieces = list(find_pairs(table(1, 25), table(2, 30), 0, 10**6))
    chosen = pa.concat_tables(of_kinds(pieces, ["identical", "collision"])).to_pylist()
    assert chosen == [
        row
        for row in pa.concat_tables(pieces).to_pylist()
        if row["kind"] in ("identical", "collision")
    ]
    assert {row["kind"] for row in chosen} == {"identical", "collision"}


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 5), (5, 0), (1, 1)])
def test_small_and_empty_tables_give_empty_or_small_results(one, other):
    needles, haystack = table(1, one), table(2, other)
    assert find_leaks(needles, haystack, 0).to_pylist() == list(plain_leaks(needles, haystack))
    pairs = list(find_pairs(needles, haystack, 0, 100))
    assert sum(map(len, pairs)) == len(list(plain_pairs(needles, haystack)))
    assert group_rows(needles, 0).table().to_pylist() == list(plain_groups(needles))
    assert sum(group_rows(needles, 0).counted().kinds.values()) == len(list(plain_stars(needles)))
    assert priority(needles, []).tolist() == plain_priority(needles, [])


def test_a_million_copies_are_one_group():
    n = 1_000_000
    columns = {"split": pa.array(["all"] * n).dictionary_encode(), "path": list(map(str, range(n)))}
    rows = hashes_of(columns | {"phash": np.full(n, 7, np.uint64)})
    groups = group_rows(rows, 4).table()
    assert groups.num_rows == n
    assert groups["group"].to_numpy().max() == 0
    assert groups["path"][0].as_py() == "0"
