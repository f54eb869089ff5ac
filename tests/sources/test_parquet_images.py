"""Parquet files with images inside, against pyarrow's own reading of whole tables."""

import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.errors import ImageError
from fastphash.sources.containers import is_container, open_container, parquet
from fastphash.sources.containers.format import ContainerError, Member
from fastphash.sources.remote import client, ranges
from fastphash.sources.remote.ranges import RangedObject
from tests.support.object_server import serving

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
IMAGES = [b"image %d " % i * (i % 7) * 10 for i in range(100)]


def write(folder, columns, name="x.parquet", **options):
    path = folder / name
    pq.write_table(pa.table(columns), path, row_group_size=30, **options)
    return path


def structs(images=IMAGES):
    rows = [{"bytes": data, "path": f"{i}.jpg"} for i, data in enumerate(images)]
    return pa.array(rows, STRUCT)


def opened(path, column=None):
    return open_container(os.fsencode(path), column)


def contents(path, column=None):
    with opened(path, column) as container:
        members = list(container.members())
        return members, list(container.read(members))


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), STRUCT, pa.binary_view()])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_rows_are_members_in_every_type(tmp_path, kind, compression):
    array = structs() if kind == STRUCT else pa.array(IMAGES, kind)
    path = write(tmp_path, {"label": range(100), "image": array}, compression=compression)
    members, found = contents(path)
    assert found == IMAGES
    key = b"%d.jpg" if kind == STRUCT else b""
    expected = [Member(b"%d" % i, key % i if key else b"", i, 0) for i in range(100)]
    assert members == expected


@pytest.mark.parametrize(("most", "at_once"), [(16 << 20, True), (1 << 20, False)])
def test_large_row_groups_of_a_bucket_are_read_some_at_a_time(monkeypatch, most, at_once):
    asked = []
    read_at = RangedObject.read_at

    def recording(self, offset, size):
        asked.append(size)
        return read_at(self, offset, size)

    monkeypatch.setattr(parquet, "_ASKED_AT_ONCE", most)
    monkeypatch.setattr(RangedObject, "read_at", recording)
    images = [os.urandom(50_000) for _ in range(100)]
    file = io.BytesIO()
    pq.write_table(pa.table({"image": structs(images)}), file)
    with serving() as server:
        server.objects["bucket/x.parquet"] = file.getvalue()
        _, found = contents("s3://bucket/x.parquet")
    assert found == images
    assert (max(asked) > 4 << 20) == at_once


def test_of_a_bucket_the_list_takes_few_bytes(monkeypatch):
    spans = []
    fetch = client.fetch

    def recording(name, known=None, span=None):
        spans.append(span)
        return fetch(name, known, span)

    monkeypatch.setattr(ranges, "fetch", recording)
    images = [os.urandom(200_000) for _ in range(60)]
    file = io.BytesIO()
    pq.write_table(pa.table({"image": structs(images)}), file, row_group_size=15)
    size = len(file.getvalue())
    with serving() as server:
        server.objects["bucket/x.parquet"] = file.getvalue()
        with opened("s3://bucket/x.parquet") as container:
            members = list(container.members())
            assert sum(end - start for start, end in spans) < size / 20
            assert list(container.read(members)) == images
    assert sum(end - start for start, end in spans) < size * 1.4


def test_any_order_and_ranges(tmp_path):
    path = write(tmp_path, {"image": structs()})
    with opened(path) as container:
        members = list(container.members())
        for chosen in (members[::-1], members[40:70], members[3:90:7], members[5:6] * 2):
            expected = [IMAGES[member.offset] for member in chosen]
            assert list(container.read(chosen)) == expected


def test_rows_without_images_are_errors_of_their_own(tmp_path):
    rows = [{"bytes": b"x", "path": None}, None, {"bytes": None, "path": "a.jpg"}]
    path = write(tmp_path, {"image": pa.array(rows, STRUCT)})
    _, (image, null, only_path) = contents(path)
    assert image == b"x"
    assert str(null) == "read: no image: the row has a null"
    assert str(only_path) == "read: no image, only its path: 'a.jpg'"
    _, found = contents(write(tmp_path, {"image": pa.array([None, b"y"], pa.binary())}))
    assert isinstance(found[0], ImageError)
    assert found[1] == b"y"


def test_the_column_is_found_or_asked_for(tmp_path):
    nested = pa.array([{"b": {"bytes": b"inner", "path": "p"}}], pa.struct([("b", STRUCT)]))
    columns = {"image": structs([b"1"]), "mask": [b"2"], "a": nested, "x.y": [b"3"], "n": [1]}
    path = write(tmp_path, columns)
    with pytest.raises(ContainerError, match=r"'image', 'mask' and 'x\.y': name the column"):
        opened(path)
    expected = {"image": b"1", "mask": b"2", "a.b": b"inner", "x.y": b"3"}
    assert {name: contents(path, name)[1][0] for name in expected} == expected
    for name in ("n", "a", "none", "n.x", "a.c"):
        with pytest.raises(ContainerError, match="name the column of the images"):
            opened(path, name)
    with pytest.raises(ContainerError, match="no column of bytes among 'n'"):
        opened(write(tmp_path, {"n": [1]}))


def test_a_table_of_hashes_is_no_container(tmp_path):
    hashes = write(tmp_path, {"path": ["a"], "phash": [1]}, "h.parquet")
    others = write(tmp_path, {"path": ["a"], "pdq": ["0" * 64]}, "o.parquet")
    # somebody's images may have a hash beside them
    images = write(tmp_path, {"image": structs(), "dhash": [*map(str, range(len(IMAGES)))]})
    damaged = tmp_path / "d.parquet"
    damaged.write_bytes(b"PAR1")
    (tmp_path / "folder.zip").mkdir()
    given = [
        hashes,
        others,
        images,
        damaged,
        tmp_path / "folder.zip",
        tmp_path / "a.TAR",
        tmp_path / "a",
    ]
    kinds = [is_container(os.fsencode(path)) for path in given]
    assert kinds == [False, False, True, True, False, True, False]


def test_a_name_that_is_no_text(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.parquet")
    os.rename(write(tmp_path, {"image": structs()}), path)
    assert contents(path)[1] == IMAGES


def test_a_row_that_is_no_longer_there(tmp_path):
    path = write(tmp_path, {"image": structs()})
    members, _ = contents(path)
    write(tmp_path, {"image": structs(IMAGES[:50])})
    with opened(path) as container:
        found = list(container.read(members))
    assert found[:50] == IMAGES[:50]
    assert all("has changed" in str(one) for one in found[50:])


@pytest.mark.parametrize("size", [0, 3, 12, 400])
def test_cut_short(tmp_path, size):
    path = write(tmp_path, {"image": structs()})
    os.truncate(path, size)
    with pytest.raises(ContainerError):
        opened(path)


def damage_everywhere(tmp_path, step):
    path = write(
        tmp_path,
        {"image": structs()},
        write_page_checksum=True,
        compression="none",
        data_page_size=400,
        use_dictionary=False,
    )
    data = bytearray(path.read_bytes())
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for place in range(0, len(data), step):
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        data[place] ^= 1 << place % 8
        try:
            _, found = contents(path)
        except ContainerError:
            continue
        kept = [(i, one) for i, one in enumerate(found) if not isinstance(one, ImageError)]
        # the footer has no sum
        assert place >= footer or all(one == IMAGES[i] for i, one in kept)


def test_flipped_bits_cost_rows_or_are_said(tmp_path):
    damage_everywhere(tmp_path, 211)


@pytest.mark.slow
def test_many_flipped_bits_cost_rows_or_are_said(tmp_path):
    damage_everywhere(tmp_path, 5)


def test_rows_before_a_damaged_page_are_whole(tmp_path):
    images = [b"%03d" % i * 100 for i in range(30)]
    path = write(
        tmp_path,
        {"image": pa.array(images)},
        write_page_checksum=True,
        compression="none",
        use_dictionary=False,
        data_page_size=600,
        write_batch_size=2,
    )
    data = bytearray(path.read_bytes())
    # statistics before the page hold its first image as well
    data[data.rfind(b"020020") - 50] ^= 1
    path.write_bytes(data)
    _, found = contents(path)
    whole = [i for i, one in enumerate(found) if not isinstance(one, ImageError)]
    assert 10 < len(whole) <= 20
    assert whole == list(range(len(whole)))
    assert found[: len(whole)] == images[: len(whole)]
    assert "damaged from here on" in str(found[20])
