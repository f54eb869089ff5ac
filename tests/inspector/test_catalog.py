from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.base.vocabulary import COLOURS, COPY_KINDS, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.results.decisions import Image
from tests.support.audits import pair, write_audit
from tests.support.inspector_state import FILTERS, SPLITS, catalog_of, copies


@st.composite
def audits(draw):
    image = st.tuples(
        st.sampled_from(SPLITS),
        st.sampled_from(COPY_KINDS),
        st.integers(0, 4),
        st.sampled_from(ORIENTATIONS),
        st.none() | st.integers(0, 4).map(lambda n: n / 4),
        st.none() | st.sampled_from(COLOURS),
    )
    found = []
    for g, group in enumerate(draw(st.lists(st.lists(image, min_size=2, max_size=4), max_size=6))):
        found.append(
            [
                (s, b"%s/%d_%d.PNG" % (k.encode(), g, i), k, *rest)
                for i, (s, k, *rest) in enumerate(group)
            ]
        )
    return found


def passes(group, wanted):
    """Whether a group passes a filter, image by image."""
    copies = [
        image
        for image in group[1:]
        if wanted.kind in ("", image[2])
        and image[3] >= (wanted.least or 0)
        and image[3] <= (64 if wanted.most is None else wanted.most)
    ]
    splits = {image[0] for image in group}
    return (
        bool(copies)
        and (not wanted.split or wanted.split in splits)
        and any(wanted.name.lower() in image[1].decode().lower() for image in group)
        and (not wanted.leaks or len(splits) > 1)
    )


RANKS = {
    "group": lambda _: 0,
    "size": lambda group: -len(group),
    "distance": lambda group: -max(image[3] for image in group[1:]),
    "score": lambda group: min(2 if image[5] is None else image[5] for image in group[1:]),
}


@given(audits(), st.lists(FILTERS, min_size=1, max_size=4), st.sampled_from(["", "_1", "near/"]))
def test_filters_and_orders_are_those_of_a_plain_loop(tmp_path_factory, groups, filters, name):
    out = write_audit(tmp_path_factory.mktemp("audit") / "out", groups)
    catalog = catalog_of(out)
    assert len(catalog) == len(groups)
    for wanted in (*filters, replace(filters[0], name=name, split="")):
        if wanted.split and wanted.split not in catalog.splits:
            continue
        expected = [number for number, group in enumerate(groups) if passes(group, wanted)]
        expected.sort(key=lambda number: RANKS[wanted.order](groups[number]))
        assert catalog.select(wanted).tolist() == expected
        assert catalog.select(wanted).tolist() == expected  # remembered


@given(audits())
def test_rows_are_those_of_the_tables(tmp_path_factory, groups):
    catalog = catalog_of(write_audit(tmp_path_factory.mktemp("audit") / "out", groups))
    number = 0
    for g, group in enumerate(groups):
        assert catalog.images(g) == range(number, number + len(group))
        for split, path, kind, distance, orientation, score, colour in group:
            row = catalog.row(number)
            assert row.image == Image(split, path, number.to_bytes(16))
            assert (row.group, row.width, row.height) == (g, 64, 48)
            if not row.is_keeper:
                assert (row.kind, row.distance, row.turn) == (kind, distance, orientation)
                assert row.score == score
                assert row.colour == (colour or "")
            assert catalog.find([row.image]).tolist() == [number]
            assert catalog.find([row.image._replace(digest=b"x" * 16)]).tolist() == [-1]
            number += 1


def test_names_that_are_not_utf8_and_equal_names_in_two_splits(tmp_path):
    names = [b"\xff.png", b"\xfe.png", "\N{SNOWMAN}.png".encode()]
    groups = [[pair("train", name), pair("val", name)] for name in names]
    catalog = catalog_of(write_audit(tmp_path / "out", groups))
    for row in range(catalog.rows):
        image = catalog.row(row).image
        assert image.path == names[row // 2]
        assert catalog.find([image]).tolist() == [row]


def test_groups_that_the_store_does_not_know_are_refused(tmp_path):
    out = write_audit(tmp_path / "out", [copies(3)])
    table = parquet.read_table(out / "groups.parquet")
    other = table.set_column(2, "path", pa.array(["a.png", "b.png", "c.png"]))
    parquet.write_table(out / "groups.parquet", other)
    with pytest.raises(StoreError, match="run the audit again"):
        catalog_of(out)
    other = table.set_column(0, "group", pa.array([3, 1, 2]))
    parquet.write_table(out / "groups.parquet", other)
    with pytest.raises(StoreError, match="damaged"):
        catalog_of(out)
