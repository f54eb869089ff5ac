import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.inspector.catalog import Catalog
from fastphash.inspector.decisions import Conflicts, DecisionLog, Guide
from fastphash.inspector.page_state import ORDERS, Filter
from fastphash.results.audit_folder import open_audit
from fastphash.results.decisions import Decision, decide, read_decisions, resolve, undo
from tests.support.audits import pair, write_audit
from tests.support.inspector_client import Served
from tests.support.inspector_state import catalog_of, copies
from tests.support.stores import write_hashes


def judged_of(out):
    catalog = catalog_of(out)
    judged = DecisionLog(catalog)
    return catalog, judged, Guide(catalog, judged, Conflicts(catalog.audited, catalog))


def test_what_is_decided_shows_at_once_and_is_undone_at_once(tmp_path):
    out = write_audit(tmp_path / "out", [copies(4), copies(2, "val")])
    _catalog, judged, _ = judged_of(out)
    assert judged.state.undecided.tolist() == [3, 1]
    judged.decide([judged.pair(2, "not_copies")])
    judged.decide([judged.keeper(3)])
    judged.decide(judged.whole_group(0, "copies"))
    state = judged.state
    assert state.status.tolist() == [0, 1, 2, 1, 0, 0]
    assert (state.chosen.tolist(), state.undecided.tolist()) == ([3, -1], [0, 1])
    assert (state.decided, state.stale, len(state.last), state.left) == (4, 0, 2, 1)
    again = DecisionLog(catalog_of(out)).state
    assert again.status.tolist() == state.status.tolist()
    assert [len(judged.undo()) for _ in range(4)] == [2, 1, 1, 0]
    assert judged.state.undecided.tolist() == [3, 1]
    assert read_decisions(out) == []


def test_none_of_a_group_are_copies_of_one_another_either(tmp_path):
    out = write_audit(tmp_path / "out", [copies(4), copies(66, "val")])
    catalog, judged, _ = judged_of(out)
    judged.decide([judged.pair(1, "copies")])
    judged.decide(judged.whole_group(0, "not_copies"))
    decided = {decision.about for decision in read_decisions(out)[1:]}
    image = [catalog.row(row).image for row in range(4)]
    assert decided == {frozenset((image[a], image[b])) for a, b in [(0, 2), (0, 3), (2, 3)]}
    assert judged.whole_group(0, "not_copies") == []
    with pytest.raises(UsageError, match="64"):
        judged.whole_group(1, "not_copies")


def test_what_was_no_copy_before_is_told_apart_from_the_rest_too(tmp_path):
    """Otherwise 2 would go for the sake of 1 once neither goes for the sake of 0."""
    out = write_audit(tmp_path / "out", [copies(4)])
    _, judged, _ = judged_of(out)
    judged.decide([judged.pair(1, "not_copies")])
    judged.decide([judged.pair(3, "copies")])
    judged.decide(judged.whole_group(0, "not_copies"))
    rows = open_audit(out).rows
    apart = resolve(read_decisions(out), rows).not_copies
    assert sorted(map(tuple, apart.tolist())) == [(0, 1), (0, 2), (1, 2)]
    assert resolve(read_decisions(out), rows).copies.tolist() == [[0, 3]]


def test_decisions_of_another_process_are_seen(tmp_path):
    out = write_audit(tmp_path / "out", [copies(3)])
    catalog, judged, _ = judged_of(out)
    assert judged.state.decided == 0
    images = [catalog.row(row).image for row in range(3)]
    decide(out, Decision("copies", (images[2], images[0])))
    assert judged.state.status.tolist() == [0, 0, 1]
    gone = images[1]._replace(digest=bytes(16))
    decide(out, Decision("keeper", (gone,)), Decision("copies", (gone, images[0])))
    assert (judged.state.decided, judged.state.stale) == (3, 2)
    assert len(undo(out)) == 2
    assert (judged.state.decided, judged.state.stale) == (1, 0)


def test_an_image_that_is_in_no_group_any_more_is_not_stale(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    image = [catalog_of(out).row(row).image for row in range(2)]
    decide(out, Decision("copies", tuple(image)))
    groups = parquet.read_table(out / "groups.parquet")
    parquet.write_table(out / "groups.parquet", groups.slice(0, 0))
    state = DecisionLog(catalog_of(out)).state
    assert (state.decided, state.stale, state.left) == (1, 0, 0)


def test_a_damaged_log_is_refused(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    for text in ("[]", '{"version": 1, "decisions": 3}', '{"version": 1, "decisions": [{}]}'):
        (out / "decisions.json").write_text(text)
        with pytest.raises(StoreError, match=r"decisions\.json"):
            _ = DecisionLog(catalog_of(out)).state


@given(st.data())
def test_one_comes_past_every_undecided_pair_once(tmp_path_factory, data):
    sizes = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=4))
    starts = np.cumsum([0, *sizes])
    groups = [copies(n, "train", int(s)) for n, s in zip(sizes, starts, strict=False)]
    out = write_audit(tmp_path_factory.mktemp("audit") / "out", groups)
    wanted = Filter(undecided=data.draw(st.booleans()), order=data.draw(st.sampled_from([*ORDERS])))
    catalog, judged, guide = judged_of(out)
    everything = np.flatnonzero(catalog.is_copy).tolist()
    row = data.draw(st.sampled_from(everything))
    seen = []
    while row is not None:
        seen.append(row)
        judged.decide([judged.pair(row, "copies")])
        row = guide.next_undecided(wanted, row)
    assert sorted(seen) == everything


def test_groups_before_and_after_are_those_of_the_filter(tmp_path):
    groups = [copies(n, "train", 10 * n) for n in (3, 2, 4)]
    _catalog, judged, guide = judged_of(write_audit(tmp_path / "out", groups))
    by_size = Filter(order="size", undecided=True)
    assert guide.groups(by_size).tolist() == [2, 0, 1]
    assert guide.around(by_size, 0) == (2, 1)
    judged.decide(judged.whole_group(0, "copies"))
    assert guide.groups(by_size).tolist() == [2, 1]
    assert guide.around(by_size, 0) == (2, 1)
    assert guide.around(Filter(kind="exact"), 0) == (None, None)


def test_labels_of_names_that_are_not_utf_8(tmp_path):
    out = write_audit(
        tmp_path / "out",
        [[pair("train", name, "exact", 0) for name in (b"a\xff", b"a\xfe")]],
    )
    columns = {"group": [0], "split": ["train"], "path": ["a\ufffd"], "path_bytes": [b"a\xfe"]}
    columns |= {"label": ["cat"], "keeper_label": ["dog"], "source": ["coco"]}
    write_hashes(out / "conflicts.parquet", **columns)
    audited = open_audit(out)
    conflicts = Conflicts(audited, Catalog(audited))
    assert (conflicts.of_row(0), conflicts.of_row(1)) == ([], [("cat", "dog", "coco")])


def test_labels_that_disagree(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2), copies(2, "val")])
    audited = open_audit(out)
    catalog = Catalog(audited)
    assert not Conflicts(audited, catalog).there
    columns = {"group": [1, 9], "split": ["val", "val"], "path": ["001.png", "gone.png"]}
    columns |= {"label": ["cat", "x"], "keeper_label": ["dog", "y"], "source": ["folders", "z"]}
    write_hashes(out / "conflicts.parquet", **columns)
    conflicts = Conflicts(audited, catalog)
    assert conflicts.of_group.tolist() == [False, True]
    assert conflicts.of_row(3) == [("cat", "dog", "folders")]
    assert conflicts.of_row(1) == []
    with Served(out) as served:
        assert "Group 1" in served.get("/?conflicts=1").words
        assert "Group 0" not in served.get("/?conflicts=1").words
        for page in ("/group/1", "/pair/3"):
            said = served.get(page).words
            assert "Labels disagree: cat, but the keeper's is dog (folders)" in said
    del columns["keeper_label"]
    write_hashes(out / "conflicts.parquet", **columns)
    with pytest.raises(StoreError, match="keeper_label"):
        Conflicts(audited, catalog)
