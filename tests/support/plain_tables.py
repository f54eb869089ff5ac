"""Plain loops over every pair: the tables of pairs, leaks and groups."""

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from fastphash.base.vocabulary import INVERSE, KINDS, ORIENTATIONS
from fastphash.hashing.definition import HASH_COLUMNS
from fastphash.results.decisions import NOTHING_DECIDED, Resolved
from fastphash.verification.findings import NO_FINDINGS
from tests.support import naive
from tests.support.stores import hashes_of

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
    ("same_pixels", pa.bool_()),
]
PARTS = [("window", pa.string()), ("window_of", NAME), ("place", pa.string())]
LOOKED = [("looked", pa.bool_())]
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
NO_COPIES = ("collision", "unverified")


def table(seed, rows, splits=("train", "val"), *, thumbnails=True, orientations=True):
    """Turned pictures in random order, some with the same bytes: all kinds of pairs occur."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(3, size=rows)
    drawn = [TURNS[rng.integers(8)](PICTURES[one]) for one in chosen]
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
    # nobody knows the pixels of the first picture
    columns["pixel_digest"] = pa.array(
        [
            xxhash.xxh3_128_digest(one.tobytes()) if picture else None
            for picture, one in zip(chosen, drawn, strict=True)
        ],
        pa.binary(16),
    )
    for t, name in enumerate(HASH_COLUMNS if orientations else HASH_COLUMNS[:1]):
        columns[name] = np.ascontiguousarray(hashes[:, t])
    if thumbnails:
        columns["thumbnail"] = pa.array([one.tobytes() for one in drawn], pa.binary(1024))
    return hashes_of(columns)


class Relation:
    """What row i of one table is to row j of another: one pair at a time.

    What was found about two rows of one table holds at any distance.
    """

    def __init__(self, one, i, other, j, radius, finding=None):
        radius = 64 if finding else radius
        a, b = one.hashes[i], other.hashes[j]
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
        pixels = one.evidence.pixel_digests[i], other.evidence.pixel_digests[j]
        known = pixels[0].any() and pixels[1].any()
        self.same_pixels = bool((pixels[0] == pixels[1]).all()) if known else None
        if self.identical:
            self.same_pixels = True
        if self.same_pixels:
            self.orientation, self.score = 0, 1
        self.kind = self.kind_of_others()
        self.finding = finding
        if finding:
            self.kind, self.orientation, self.score, *_ = finding
            self.same_pixels = None

    def kind_of_others(self):
        if self.identical:
            return "identical"
        if self.same_pixels:
            return "exact"
        if self.agrees:
            return "augmented" if self.orientation else "exact"
        if np.isnan(self.score):
            return "near" if self.distance else "unverified"
        return "near" if self.score >= 0.5 else "collision"

    @staticmethod
    def apart(turned, t, upright):
        if t and turned.size == 1:
            return 65
        return int(turned[t] ^ upright[0]).bit_count()


def names(rows, i, side=""):
    row = rows.table.select(["split", "path", "path_bytes"]).take([i]).to_pylist()[0]
    return {f"{side}{name}": value for name, value in row.items()}


def relation(pair):
    return {
        "kind": pair.kind,
        "distance": pair.distance,
        "orientation": ORIENTATIONS[pair.orientation],
        "score": None if np.isnan(pair.score) else pytest.approx(pair.score, abs=5e-3),
        # the tables say nothing of colours, but the same pixels have the same
        "colour": "same" if pair.same_pixels else None,
        "colour_distance": 0.0 if pair.same_pixels else None,
        "same_pixels": pair.same_pixels,
    }


def plain_pairs(one, other, radius=0):
    for i in range(len(one)):
        for j in range(len(other)):
            pair = Relation(one, i, other, j, radius)
            if pair.found:
                yield i, j, pair


def by_pair(findings):
    """What was found about each pair, either way round."""
    found = {}
    for way in (findings, findings.reversed()):
        codes, _, orientation, score, *_ = (column.tolist() for column in way.relation)
        kinds = [KINDS[code] for code in codes]
        boxes = way.window.tolist(), way.window_of.tolist(), way.place.tolist()
        pairs = map(tuple, way.pairs.tolist())
        found |= zip(pairs, zip(kinds, orientation, score, *boxes, strict=True), strict=True)
    return found


def parts(pair, sides=("needle", "haystack")):
    """The columns of windows and places."""
    none = dict.fromkeys(name for name, _ in PARTS)
    if not pair.finding:
        return none
    *_, window, window_of, place = pair.finding
    known = {} if np.isnan(window[0]) else {"window": text(window), "window_of": sides[window_of]}
    return none | known | ({} if np.isnan(place[0]) else {"place": text(place)})


def text(box):
    return ",".join(f"{side:.4f}".rstrip("0").rstrip(".") for side in box)


def plain_leaks(rows, radius=0, decided=NOTHING_DECIDED, findings=NO_FINDINGS):
    """Each image with its strongest pair in any other split; the others that are alike count."""
    splits, found = rows.splits.tolist(), by_pair(findings)
    for i in range(len(rows)):
        several = []
        for j in range(len(rows)):
            word = word_about(i, j, decided)
            furthest = 64 if word == "copies" else radius
            pair = Relation(rows, i, rows, j, furthest, found.get((i, j)))
            if splits[i] == splits[j] or not pair.found or word == "not_copies":
                continue
            is_copy = word == "copies" or pair.kind not in NO_COPIES
            if is_copy or not pair.distance:
                several.append((strength(pair, word), j, pair, is_copy, word == "copies"))
        if several:
            several.sort(key=lambda found: found[:2])
            _, j, best, is_copy, confirmed = several[0]
            alike = [splits[other] for _, other, _, copy, _ in several if copy == is_copy]
            sides = names(rows, i, "needle_") | names(rows, j, "haystack_") | relation(best)
            sides |= parts(best) | {"looked": bool(best.same_pixels)}
            also_in = [name for name in dict.fromkeys(alike) if name != splits[j]]
            yield sides | {
                "confirmed": confirmed,
                "matches": len(alike) - 1,
                "also_in": ",".join(also_in),
            }


def word_about(i, j, decided):
    """What was decided about two rows."""
    pair = sorted((i, j))
    for word in ("copies", "not_copies"):
        if pair in getattr(decided, word).tolist():
            return word
    return ""


def strength(pair, word):
    """The less, the stronger: a copy by decision comes before near ones."""
    kind = KINDS.index(pair.kind)
    kind = min(kind, 2.5) if word == "copies" else kind
    return kind, not pair.same_pixels, pair.distance, pair.orientation


def some_decisions(rows, seed):
    """Pairs that are copies, and pairs that are none, at random: some of these share a hash."""
    rng = np.random.default_rng(seed)
    pairs = np.sort([rng.choice(len(rows), 2, replace=False) for _ in range(60)], axis=1)
    pairs = np.unique(pairs, axis=0)
    rng.shuffle(pairs)
    return Resolved(pairs[:8], pairs[8:], np.empty(0, np.int64))


def plain_stars(rows, radius=0, decided=NOTHING_DECIDED, findings=NO_FINDINGS):
    """Each row joins the first keeper that it is a copy of, or near where nobody can look."""
    keepers, found = [], by_pair(findings)
    for i in range(len(rows)):
        for k in keepers:
            word = word_about(i, k, decided)
            furthest = 64 if word == "copies" else radius
            pair = Relation(rows, i, rows, k, furthest, found.get((i, k)))
            no_copies = NO_COPIES if rows.thumbnails is not None else ["collision"]
            is_copy = pair.found and pair.kind not in no_copies
            if word != "not_copies" and (is_copy or word == "copies"):
                yield i, k, pair
                break
        else:
            keepers.append(i)


def plain_groups(rows, radius=0, decided=NOTHING_DECIDED, findings=NO_FINDINGS):
    groups = {}
    for i, k, pair in plain_stars(rows, radius, decided, findings):
        groups.setdefault(k, []).append((i, pair))
    for number, (k, copies) in enumerate(sorted(groups.items())):
        none = dict.fromkeys(name for name, _ in (*RELATION, *PARTS, *LOOKED)) | {"distance": 0}
        keeper = names(rows, k, "keeper_")
        alone = {"keeper_reason": None}
        yield {"group": number, "role": "keeper"} | names(rows, k) | none | keeper | alone
        for i, pair in copies:
            why = {"keeper_reason": plain_reason(rows, i, k)}
            yield (
                {"group": number, "role": "copy"}
                | names(rows, i)
                | {
                    **relation(pair),
                    **parts(pair, ("copy", "keeper")),
                    "looked": bool(pair.same_pixels),
                    **keeper,
                    **why,
                }
            )


TABLES = [
    {},
    {"thumbnails": False},
    {"orientations": False},
    {"thumbnails": False, "orientations": False},
]


EVALUATION = ("val", "test")


def plain_bytes(size):
    """Bytes of a file in eight steps for each power of two."""
    power = size.bit_length()
    return power, size * 16 // 2**power


def plain_criteria(row):
    """What tells an original from its copies, the smaller value first; all names are unmarked."""
    path = row["path_bytes"] or row["path"].encode()
    power, step = plain_bytes(row["size"])
    return {
        "more pixels": -row["width"] * row["height"],
        "less compressed": (-power, -step),
        "shorter name": len(path),
        "first name": path,
    }


def image_rows(rows):
    columns = rows.table.select(["split", "path", "path_bytes", "size", "width", "height"])
    return columns.to_pylist()


def plain_reason(rows, copy, keeper):
    copy, keeper = image_rows(rows.take(np.array([copy, keeper])))
    if copy["split"] != keeper["split"]:
        return f"{keeper['split']} before {copy['split']}"
    of_copy, of_keeper = plain_criteria(copy), plain_criteria(keeper)
    return next(why for why, value in of_copy.items() if value != of_keeper[why])


def plain_priority(rows, keep_in):
    rows = image_rows(rows)
    splits = [row["split"] for row in rows]

    def rank(i):
        split = splits[i]
        kept = keep_in.index(split) if split in keep_in else len(keep_in)
        criteria = plain_criteria(rows[i])
        return kept, split not in EVALUATION, splits.count(split), split, *criteria.values()

    return sorted(range(len(rows)), key=rank)
