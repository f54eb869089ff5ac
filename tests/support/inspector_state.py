"""Catalogs and filters of the inspector, without a server."""

from hypothesis import strategies as st

from fastphash.base.vocabulary import COPY_KINDS
from fastphash.inspector.catalog import Catalog
from fastphash.inspector.page_state import ORDERS, Filter
from fastphash.results.audit_folder import open_audit
from tests.support.audits import pair

SPLITS = ("train", "val", "test")


def catalog_of(out):
    return Catalog(open_audit(out))


def copies(count, split="train", start=0):
    """A keeper and copies of it."""
    return [pair(split, b"%03d.png" % i) for i in range(start, start + count)]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FILTERS = st.builds(
    Filter,
    kind=st.sampled_from(["", *COPY_KINDS]),
    least=st.none() | st.integers(0, 64),
    most=st.none() | st.integers(0, 64),
    split=st.sampled_from(["", *SPLITS]),
    name=TEXTS,
    leaks=st.booleans(),
    undecided=st.booleans(),
    conflicts=st.booleans(),
    order=st.sampled_from(list(ORDERS)),
)
