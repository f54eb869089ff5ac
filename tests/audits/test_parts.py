"""An audit finds the same whatever is compared at once, and wherever thumbnails lie."""

import numpy as np
import pytest

import fastphash as fp
from fastphash.audits.memory import with_enough_memory
from fastphash.audits.options import AuditOptions
from fastphash.base import mapped
from fastphash.hashing import views
from fastphash.joins import view_sets
from fastphash.joins.options import JoinOptions
from fastphash.store import appearance
from fastphash.store.open import read_hashes
from fastphash.verification import comparison, flatness
from tests.support.scenes import planted

OPTIONS = {"workers": 0, "progress": False, "looks": 0}


@pytest.fixture
def in_small_parts(monkeypatch):
    for module, name, size in (
        (appearance, "_MANY", 2),
        (appearance, "_KEYS_AT_ONCE", 3),
        (comparison, "_AT_ONCE", 2),
        (flatness, "_AT_ONCE", 2),
        (view_sets, "_LEAST_ROWS", 2),
        (view_sets, "_SHARE", 0),
        (views, "_MADE_AT_ONCE", 3),
    ):
        monkeypatch.setattr(module, name, size)


def files(out):
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("maps", [True, False])
def test_the_files_are_the_same(tmp_path, request, monkeypatch, maps):
    splits = planted(tmp_path)
    fp.audit(splits, tmp_path / "whole", **OPTIONS)
    request.getfixturevalue("in_small_parts")
    if not maps:
        monkeypatch.setattr(mapped, "_CAN_MAP", False)
    fp.audit(splits, tmp_path / "parts", **OPTIONS)
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_thumbnails_of_many_rows_lie_in_a_file(tmp_path, in_small_parts, monkeypatch):
    fp.audit(planted(tmp_path), tmp_path / "out", **OPTIONS)
    rows = read_hashes(str(tmp_path / "out"))
    made = []

    def noted(*arguments):
        made.append(mapped.map_rows(*arguments))
        return made[-1]

    monkeypatch.setattr(appearance, "map_rows", noted)
    in_file = rows.take(np.arange(len(rows))).thumbnails
    assert in_file is made[0]
    backwards = rows.take(np.arange(len(rows))[::-1]).thumbnails
    assert len(made) == 1
    np.testing.assert_array_equal(backwards[::-1], in_file)
    # in any order, twice, with all that is known of them
    order = np.array([3, 1, 1, *range(len(rows))])
    content = rows.take(order).content
    assert len(made) == 2
    assert content.thumbnails is made[1]
    np.testing.assert_array_equal(content.placed(content.thumbnails), in_file[order])
    np.testing.assert_array_equal(content.placed(content.chroma), rows.chroma[order])
    np.testing.assert_array_equal(content.digests, rows.digests[order])


def test_searches_take_no_more_memory_than_they_need():
    plenty = AuditOptions(join=JoinOptions(memory=1 << 40))
    assert with_enough_memory(plenty, 10).join.memory == 128 << 20
    assert with_enough_memory(plenty, 10**7).join.memory == 6_400_000_000
    little = AuditOptions(join=JoinOptions(memory=100 << 20))
    assert with_enough_memory(little, 10**7).join.memory == 100 << 20
