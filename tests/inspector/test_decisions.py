import pytest

from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.inspector.decisions import DecisionLog
from fastphash.results.audit_folder import open_audit
from fastphash.results.decisions import Decision, decide, read_steps, resolve, undo
from tests.support.audits import write_audit
from tests.support.decisions import read_decisions
from tests.support.inspector_state import catalog_of, copies


def log_of(out):
    """Catalog and decision log of an audit."""
    catalog = catalog_of(out)
    return catalog, DecisionLog(catalog)


def test_what_is_decided_shows_at_once_and_is_undone_at_once(tmp_path):
    out = write_audit(tmp_path / "out", [copies(4), copies(2, "val")])
    _catalog, log = log_of(out)
    assert log.current.undecided.tolist() == [3, 1]
    log.decide([log.pair(2, "not_copies")])
    log.decide([log.keeper(3)])
    log.decide(log.whole_group(0, "copies"))
    current = log.current
    assert current.status.tolist() == [0, 1, 2, 1, 0, 0]
    assert (current.chosen.tolist(), current.undecided.tolist()) == ([3, -1], [0, 1])
    assert (current.steps, len(current.last)) == ((3, 0), 2)
    assert current.undecided_pairs == 1
    again = DecisionLog(catalog_of(out)).current
    assert again.status.tolist() == current.status.tolist()
    assert [len(log.undo()) for _ in range(4)] == [2, 1, 1, 0]
    assert log.current.undecided.tolist() == [3, 1]
    assert read_decisions(out) == []


def test_none_of_a_group_are_copies_of_one_another_either(tmp_path):
    out = write_audit(tmp_path / "out", [copies(4), copies(66, "val")])
    catalog, log = log_of(out)
    log.decide([log.pair(1, "copies")])
    log.decide(log.whole_group(0, "not_copies"))
    decided = {decision.about for decision in read_decisions(out)[1:]}
    image = [catalog.row(row).image for row in range(4)]
    assert decided == {frozenset((image[a], image[b])) for a, b in [(0, 2), (0, 3), (2, 3)]}
    assert log.whole_group(0, "not_copies") == []
    with pytest.raises(UsageError, match="64"):
        log.whole_group(1, "not_copies")


def test_what_was_no_copy_before_is_no_copy_of_the_rest_either(tmp_path):
    """Otherwise 2 would go for the sake of 1 once neither goes for the sake of 0."""
    out = write_audit(tmp_path / "out", [copies(4)])
    _, log = log_of(out)
    log.decide([log.pair(1, "not_copies")])
    log.decide([log.pair(3, "copies")])
    log.decide(log.whole_group(0, "not_copies"))
    rows = open_audit(out).rows
    apart = resolve(read_steps(out), rows).not_copies
    assert sorted(map(tuple, apart.tolist())) == [(0, 1), (0, 2), (1, 2)]
    assert resolve(read_steps(out), rows).copies.tolist() == [[0, 3]]


def test_decisions_of_another_process_are_seen(tmp_path):
    out = write_audit(tmp_path / "out", [copies(3)])
    catalog, log = log_of(out)
    assert log.current.steps == (0, 0)
    images = [catalog.row(row).image for row in range(3)]
    decide(out, Decision("copies", (images[2], images[0])))
    assert log.current.status.tolist() == [0, 0, 1]
    gone = images[1]._replace(digest=bytes(16))
    decide(out, Decision("keeper", (gone,)), Decision("copies", (gone, images[0])))
    assert log.current.steps == (1, 1)
    assert len(undo(out)) == 2
    assert log.current.steps == (1, 0)


def test_an_image_that_is_in_no_group_any_more_is_not_stale(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    image = [catalog_of(out).row(row).image for row in range(2)]
    decide(out, Decision("copies", tuple(image)))
    groups = parquet.read_table(out / "groups.parquet")
    parquet.write_table(out / "groups.parquet", groups.slice(0, 0))
    current = DecisionLog(catalog_of(out)).current
    assert (current.steps, current.undecided_pairs) == ((1, 0), 0)


def test_a_damaged_log_is_refused(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    for text in ("[]", '{"version": 1, "decisions": 3}', '{"version": 1, "decisions": [{}]}'):
        (out / "decisions.json").write_text(text)
        with pytest.raises(StoreError, match=r"decisions\.json"):
            _ = DecisionLog(catalog_of(out)).current
