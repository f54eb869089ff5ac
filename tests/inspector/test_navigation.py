import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastphash.inspector.decisions import DecisionLog
from fastphash.inspector.label_conflicts import LabelConflicts
from fastphash.inspector.navigation import Navigation
from fastphash.inspector.page_state import ORDERS, Filter
from tests.support.audits import write_audit
from tests.support.inspector_state import catalog_of, copies


def navigation_of(out):
    """Catalog, decision log and navigation of an audit."""
    catalog = catalog_of(out)
    log = DecisionLog(catalog)
    return catalog, log, Navigation(catalog, log, LabelConflicts(catalog))


@given(st.data())
def test_one_comes_past_every_undecided_pair_once(tmp_path_factory, data):
    sizes = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=4))
    starts = np.cumsum([0, *sizes])
    groups = [copies(n, "train", int(s)) for n, s in zip(sizes, starts, strict=False)]
    out = write_audit(tmp_path_factory.mktemp("audit") / "out", groups)
    wanted = Filter(undecided=data.draw(st.booleans()), order=data.draw(st.sampled_from([*ORDERS])))
    catalog, log, navigation = navigation_of(out)
    everything = np.flatnonzero(catalog.columns.is_copy).tolist()
    row = data.draw(st.sampled_from(everything))
    seen = []
    while row is not None:
        seen.append(row)
        log.decide([log.pair(row, "copies")])
        row = navigation.next_undecided(wanted, row)
    assert sorted(seen) == everything


def test_groups_before_and_after_are_those_of_the_filter(tmp_path):
    groups = [copies(n, "train", 10 * n) for n in (3, 2, 4)]
    _catalog, log, navigation = navigation_of(write_audit(tmp_path / "out", groups))
    by_size = Filter(order="size", undecided=True)
    assert navigation.groups(by_size).tolist() == [2, 0, 1]
    assert navigation.neighbours(by_size, 0) == (2, 1)
    log.decide(log.whole_group(0, "copies"))
    assert navigation.groups(by_size).tolist() == [2, 1]
    assert navigation.neighbours(by_size, 0) == (2, 1)
    assert navigation.neighbours(Filter(kind="exact"), 0) == (None, None)
