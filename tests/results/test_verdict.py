"""The verdict: what is said of an audit's figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.base.vocabulary import COPY_KINDS, COUNTED, COUNTED_COPIES, SURE_KINDS
from fastphash.results.verdict import (
    count_leaks,
    decisions_in_words,
    judge,
    kinds_to_add,
    staying_in_words,
)

NO_COPIES = dict.fromkeys(COPY_KINDS, 0)


def split(leaks=None, copies=None, images=20, rejected=0):
    kinds = dict.fromkeys(COUNTED, 0) | (leaks or {})
    leaked = sum(kinds[kind] for kind in COUNTED_COPIES)
    return {
        "images": images,
        "split_folders": {},
        "rejected": rejected,
        "distinct": images - rejected,
        "copies": NO_COPIES | (copies or {}),
        "leaks": {"leaked": leaked, "share": leaked / (images - rejected), "kinds": kinds},
    }


def summary(splits, **others):
    pairs = [(a, b) for a in splits for b in splits if a != b]
    return {
        "splits": splits,
        "leaks": [
            {"needles": a, "haystack": b, "leaked": splits[a]["leaks"]["leaked"]} for a, b in pairs
        ],
        "hash": "phash",
        "staying": {},
        "rejected": {},
        "decisions": {"used": 0, "stale": 0, "digest": ""},
        "thumbnails": True,
        "orientations": True,
        "radius": 4,
        "min_score": 0.5,
    } | others


KINDS_OF_LEAK = st.fixed_dictionaries({kind: st.integers(0, 3) for kind in COUNTED})


@given(KINDS_OF_LEAK, KINDS_OF_LEAK)
def test_only_an_audit_without_leaks_is_called_good(one, other):
    counts = {kind: one[kind] + other[kind] for kind in COUNTED}
    sure = sum(counts[kind] for kind in (*SURE_KINDS, "confirmed"))
    doubt = counts["near"] or counts["unverified"]
    found = summary({"a": split(one), "b": split(other)})
    assert judge(found).tone == ("bad" if sure else "doubt" if doubt else "good")
    assert bool(count_leaks(found, SURE_KINDS)) == (judge(found).tone == "bad")


def test_an_image_leaks_once_however_many_splits_have_it():
    splits = {"train": split({"exact": 2}), "val": split({"exact": 2}), "test": split()}
    found = summary(splits)
    assert count_leaks(found, SURE_KINDS) == {"train": 2, "val": 2}
    assert count_leaks(found, ["near"]) == {}
    assert judge(found).sentences[0] == "2 of 20 val images (10.0 %) are also in another split."


@pytest.mark.parametrize(
    ("leaks", "said"),
    [
        ({"exact": 1}, "1 of 20 a images (5.0 %) is also in b."),
        ({"exact": 1, "near": 1}, "are also in b, 1 of them only as a near copy."),
        ({"confirmed": 1, "near": 2}, "3 of 20 a images (15.0 %) are also in b, 2 of them only as"),
        (
            {"exact": 1, "near": 1, "cropped": 2, "altered": 1},
            "in b, 1 of them only as a near copy, 2 of them only as crops, 1 of them only as an al",
        ),
        (
            {"cropped": 2, "altered": 1},
            (
                "No image of one split is surely in another, but 2 of 20 a images (10.0 %) are "
                "crops, or bordered or shifted copies, of images in b."
            ),
        ),
        (
            {"altered": 1},
            "but 1 of 20 a images (5.0 %) shows the same scene as one in b but for a place.",
        ),
        (
            {"near": 1},
            (
                "1 of 20 a images (5.0 %) is near one in b, at most 4 bits away, and the "
                "thumbnails score at least 0.5: it is probably a copy."
            ),
        ),
        (
            {"near": 2},
            (
                "2 of 20 a images (10.0 %) are near one in b, at most 4 bits away, and the "
                "thumbnails score at least 0.5: most are copies."
            ),
        ),
    ],
)
def test_leaks_in_words(leaks, said):
    assert said in judge(summary({"a": split(leaks), "b": split()})).sentences[0]


@pytest.mark.parametrize(
    ("leaks", "kinds"),
    [
        ({"near": 1}, "near"),
        ({"altered": 1}, "altered"),
        ({"near": 2, "cropped": 1, "altered": 1}, "near, cropped and altered"),
    ],
)
def test_leaks_that_leave_doubt_are_to_be_looked_at(leaks, kinds):
    verdict = judge(summary({"a": split(leaks), "b": split()}))
    assert verdict.tone == "doubt"
    assert verdict.headline == f"Look at the {kinds} copies before you trust a test score."
    assert len(verdict.sentences) == len(leaks)


@pytest.mark.parametrize(
    ("staying", "cleaned", "said", "added"),
    [
        ({}, SURE_KINDS, "", ""),
        ({"near": 42}, SURE_KINDS, "42 near copies", "+near"),
        ({"near": 1}, SURE_KINDS, "1 near copy", "+near"),
        ({"exact": 2, "near": 1}, ("identical",), "2 exact copies and 1 near copy", "+exact,+near"),
        ({"exact": 1}, ("identical", "near"), "1 exact copy", "+exact,+near"),
        ({"unlooked": 1}, SURE_KINDS, "1 copy that nobody looked at", "+unlooked"),
        (
            {"unlooked": 2, "near": 1},
            (*SURE_KINDS, "cropped"),
            "2 copies that nobody looked at and 1 near copy",
            "+unlooked,+near,+cropped",
        ),
    ],
)
def test_what_stays_in_words(staying, cleaned, said, added):
    assert staying_in_words(staying) == said
    assert kinds_to_add(staying, cleaned) == added


@pytest.mark.parametrize(
    ("staying", "said"),
    [
        ({"near": 42}, "42 near copies stay; a clean by the kinds +near adds them."),
        ({"near": 1}, "1 near copy stays; a clean by the kinds +near adds it."),
    ],
)
def test_what_stays_after_a_clean(staying, said):
    found = summary({"a": split(), "b": split()}, staying=staying)
    assert f"After a clean by the default kinds {said}" in judge(found).sentences


@pytest.mark.parametrize(
    ("min_score", "number", "said"),
    [
        (None, 1, ": perhaps a copy, perhaps only alike."),
        (None, 2, ": perhaps copies, perhaps only alike."),
        (0, 1, ", however unlike it looks: it may be no copy."),
        (0, 2, ", however unlike they look: most may not be copies."),
    ],
)
def test_near_copies_that_no_score_tells(min_score, number, said):
    found = summary({"a": split({"near": number}), "b": split()}, min_score=min_score)
    assert judge(found).sentences[0].endswith(said)


@pytest.mark.parametrize("names", [("train", "val"), ("val", "train"), ("extra", "test2017")])
def test_of_equal_shares_that_of_a_split_for_evaluation_is_named(names):
    for kind in ("near", "exact"):
        found = summary({name: split({kind: 1}) for name in names})
        (named,) = set(names) - {"train", "extra"}
        assert f"1 of 20 {named} images" in judge(found).sentences[0]
    more = summary({"train": split({"exact": 2}), "val": split({"exact": 1})})
    assert judge(more).sentences[0].startswith("2 of 20 train images")


def test_no_sentence_has_a_command_that_can_not_be_pasted():
    splits = {name: split() | {"split_folders": {"train": "/x", "val": "/y"}} for name in "ab"}
    verdict = judge(summary(splits, staying={"near": 3}))
    assert "a holds train and val" in verdict.sentences[0]
    assert "fastphash" not in " ".join(verdict.sentences)


@pytest.mark.parametrize(
    ("used", "stale", "said"),
    [
        (0, 0, ""),
        (1, 0, "1 decision counts"),
        (1200, 0, "1,200 decisions count"),
        (
            2,
            1,
            "2 decisions count; 1 decision doesn't count, or not in full, because images",
        ),
        (0, 2, "2 decisions don't count, or not in full, because images have changed"),
    ],
)
def test_decisions_in_words(used, stale, said):
    assert decisions_in_words(used, stale).startswith(said)
    found = summary({"a": split()}, decisions={"used": used, "stale": stale, "digest": "x"})
    assert bool(said) == any("decision" in sentence for sentence in judge(found).sentences)


def test_decisions_of_later_are_named():
    found = summary({"a": split(), "b": split()})
    assert judge(found, decided_since=True).sentences == [
        "Something was decided since: audit again, and it counts."
    ]


@pytest.mark.parametrize(
    ("said", "looked_for", "missed"),
    [
        (
            {},
            "also rotated or mirrored; near copies: phash within 4 bits, and thumbnails that are",
            "letterboxes",
        ),
        (
            {"hash": "pdq", "proposing": {"dhash": {"radius": 1}}, "looks": None},
            "near copies: pdq within 4 bits or dhash within 1 bit, and thumbnails",
            "letterboxes",
        ),
        (
            {"hash": "pdq"},
            "saved again or resized; near copies, also rotated or mirrored ones: pdq within 4 bits",
            "crops by 5 % of each side or more",
        ),
        (
            {"hash": "pdq", "radius": 80, "proposing": {"pdq": {"radius": 80}}, "looks": None},
            "near copies, also rotated or mirrored ones: pdq within 80 bits, and",
            "copies may be missed, too: the turned hashes of pdq can be 32 bits off.",
        ),
        (
            {"hash": "pdq", "radius": 0},
            "the same picture saved again or resized.",
            "copies may be missed, too: the turned hashes of pdq",
        ),
        (
            {"hash": "pdq", "orientations": False},
            "near copies: pdq within 4 bits",
            "Mostly missed: rotated and mirrored copies; ",
        ),
        (
            {"radius": 0, "proposing": {"dhash": {"radius": 16}}, "looks": None},
            "near copies: dhash within 16 bits, and",
            "10 % or more, such as letterboxes",
        ),
        ({"orientations": False}, "saved again or resized; near", "rotated and mirrored copies"),
        ({"radius": 0}, "or mirrored.", "edited or cropped in any way"),
        ({"min_score": None}, "within 4 bits.", "224-pixel centre crops"),
        (
            {"thumbnails": False, "min_score": None},
            "bytes; near copies",
            "other than quarter turns",
        ),
        ({"views": "none"}, "alike.", "10 % or more, such as letterboxes"),
        (
            {"views": "centre"},
            "; crops of the middle, and borders.",
            "crops off the centre; pictures pasted into other pictures; turns by 5 degrees",
        ),
        (
            {"views": "all"},
            "; crops, bordered and shifted copies.",
            "80 % of the width or height; pictures pasted into other pictures; turns by 15 deg",
        ),
        (
            {"views": "all", "radius": 0},
            "or mirrored; crops",
            "edited in any way; crops off the centre",
        ),
    ],
)
def test_what_was_looked_for_and_what_is_missed(said, looked_for, missed):
    for splits in ({"a": split(), "b": split()}, {"a": split()}):
        verdict = judge(summary(splits, **said))
        assert looked_for in verdict.looked_for
        assert missed in verdict.missed
        assert "afe" not in verdict.headline


def test_turned_copies_are_missed_only_where_pdq_is_compared_alone():
    for said in ({}, {"hash": "pdq", "proposing": {"dhash": {"radius": 16}}, "looks": None}):
        verdict = judge(summary({"a": split()}, **said))
        assert "resized, also rotated or mirrored; near copies: " in verdict.looked_for
        assert "rotated and mirrored" not in verdict.missed


@pytest.mark.parametrize("views", ["centre", "all"])
def test_what_views_find_is_not_missed(views):
    for radius in (0, 16):
        missed = judge(summary({"a": split()}, views=views, radius=radius)).missed
        assert "letterboxes" not in missed
        assert "224-pixel" not in missed
        assert "cropped in any way" not in missed


def test_what_could_not_be_listed_may_hold_more_than_one_image():
    reasons = {"list: several columns may hold the images": 1, "decode: truncated": 2}
    found = summary({"train": split(rejected=3), "val": split()}, rejected=reasons)
    said = judge(found).sentences
    assert "2 files could not be hashed: nothing is known about them." in said
    unlisted = "1 folder or container could not be listed as a whole: further images may be there."
    assert unlisted in said
