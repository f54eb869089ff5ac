import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.errors import UsageError
from fastphash.inspector.page_state import VIEWS, PageState
from tests.support.inspector_state import FILTERS, SPLITS


@given(st.builds(PageState, FILTERS, st.integers(1, 10**9), st.sampled_from(VIEWS)))
def test_a_query_string_holds_the_whole_state(state):
    assert PageState.parse(state.query_string(), list(SPLITS)) == state


@pytest.mark.parametrize(
    "text",
    [
        *["kind=other", "split=other", "order=other", "view=other", "leaks=2", "most=x"],
        "most=%C2%B2",
        *["least=257", "least=-1", "page=0", "page=99999999999999"],
    ],
)
def test_wrong_values_are_wrong_usage(text):
    with pytest.raises(UsageError, match=text.split("=")[0]):
        PageState.parse(text, list(SPLITS))
