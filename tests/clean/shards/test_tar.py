"""Tar files without some samples, read back by `tarfile`."""

import gzip
import io
import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.clean.shards import open_shard
from fastphash.sources.containers.format import ContainerError
from tests.sources.test_tar import FORMATS, entry, packed, write

LONG = "folder/" + "n" * 80


def without(path, *going):
    """The bytes of a container without some samples."""
    output = io.BytesIO()
    with open_shard(os.fsencode(path), None) as shard:
        shard.write(set(going), output)
    return output.getvalue()


def read(data):
    """What `tarfile` knows of each entry, and the bytes of files."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [
            (info.get_info(), tar.extractfile(info).read() if info.isreg() else None)
            for info in tar
        ]


def names(data):
    return [info["name"] for info, _ in read(data)]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_what_stays_is_as_it_was(tmp_path, form, ending):
    entries = [
        entry("README.md", b"read me"),
        entry("folder", kind=tarfile.DIRTYPE),
        entry("folder/1.jpg", b"a" * 700, mtime=12, mode=0o600, uname="me"),
        entry("folder/1.json", b"{}"),
        entry(f"{LONG}.jpg", b"b" * 512),
        entry(f"{LONG}.cls", b"7"),
        entry("folder/2.seg.png", b""),
        entry("folder/2.jpg", b"d" * 10_000),
        entry(".hidden", b"x"),
        entry("folder/3.jpg", kind=tarfile.SYMTYPE, link="2.jpg"),
    ]
    data = packed(entries, FORMATS[form])
    path = write(tmp_path, data, f"x.{ending}")
    before = read(data)
    for gone in (["folder/1"], [LONG], ["folder/2", "folder/1"], ["folder/2", LONG, ".hidden"]):
        stays = [one for one in before if not any(one[0]["name"].startswith(f"{g}.") for g in gone)]
        if ".hidden" in gone:
            stays = [one for one in stays if one[0]["name"] != ".hidden"]
        assert read(without(path, *(name.encode() for name in gone))) == stays
    # padded to whole records, as programs write them
    left = without(path, b"folder/1")
    left = gzip.decompress(left) if ending == "tar.gz" else left
    assert len(left) % tarfile.RECORDSIZE == 0
    assert left.endswith(bytes(1024))


@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=2000)), max_size=12), st.data())
def test_any_samples_go(tmp_path_factory, files, data):
    gone = data.draw(st.sets(st.integers(0, 9)))
    folder = tmp_path_factory.mktemp("tar")
    entries = [entry(f"{key}.{i}.jpg", content) for i, (key, content) in enumerate(files)]
    before = packed(entries)
    path = write(folder, before)
    if not files:
        return
    left = without(path, *(b"%d" % key for key in gone))
    assert read(left) == [
        one for one, (key, _) in zip(read(before), files, strict=True) if key not in gone
    ]


def test_equal_names_are_one_sample(tmp_path):
    path = write(tmp_path, packed([entry("1.jpg", b"a"), entry("1.jpg", b"b"), entry("2.jpg")]))
    assert names(without(path, b"1")) == ["2.jpg"]


def test_headers_for_all_entries_stay(tmp_path):
    # one before the first entry, as of git, and one between two
    first = packed([entry("1.jpg", b"a"), entry("2.jpg", b"b")], pax_headers={"comment": "c" * 600})
    more = packed([entry("3.jpg", b"c"), entry("4.jpg", b"d")], pax_headers={"mtime": "5"})
    path = write(tmp_path, first.rstrip(b"\0") + bytes(-len(first.rstrip(b"\0")) % 512) + more)
    with tarfile.open(fileobj=io.BytesIO(without(path, b"1", b"3"))) as tar:
        members = tar.getmembers()
        assert [info.name for info in members] == ["2.jpg", "4.jpg"]
        assert tar.pax_headers["comment"] == "c" * 600
        assert members[1].mtime == 5


@pytest.mark.parametrize("form", FORMATS)
def test_a_hard_link_to_what_goes_becomes_a_file(tmp_path, form):
    name, link = f"{LONG}.jpg", f"{LONG}2.jpg"
    entries = [
        entry(name, b"picture" * 100),
        entry("other.jpg", b"other"),
        entry(link, kind=tarfile.LNKTYPE, link=name, mtime=3),
        entry("third.jpg", kind=tarfile.LNKTYPE, link=link),
    ]
    path = write(tmp_path, packed(entries, FORMATS[form]))
    left = read(without(path, LONG.encode()))
    assert [(info["name"], data) for info, data in left] == [
        ("other.jpg", b"other"),
        (link, b"picture" * 100),
        ("third.jpg", None),
    ]
    assert left[1][0]["mtime"] == 3
    assert left[2][0]["linkname"] == link
    # a link of a link: the name between goes, the bytes stay
    left = read(without(path, f"{LONG}2".encode()))
    assert [data for info, data in left] == [b"picture" * 100, b"other", b"picture" * 100]
    # the link goes alone
    assert names(without(path, b"third")) == [name, "other.jpg", link]


def test_a_hard_link_in_a_compressed_file_is_refused(tmp_path):
    entries = [entry("1.jpg", b"a"), entry("2.jpg", kind=tarfile.LNKTYPE, link="1.jpg")]
    path = write(tmp_path, packed(entries), "x.tar.gz")
    with pytest.raises(ContainerError, match=r"hard link b'2.jpg' stays, .*: unpack the container"):
        without(path, b"1")


def test_files_with_holes_stay_as_they_are(tmp_path):
    # of GNU: the header lists four pieces and says that more follow in a block
    info = tarfile.TarInfo("holes.jpg")
    info.size, info.type = 1024, tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT)[:512])
    header[482] = 1
    header[483:495] = b"%011o\0" % 5000
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    sparse = bytes(header) + bytes(512) + b"s" * 1024
    rest = packed([entry("1.jpg", b"a"), entry("2.jpg", b"b")])
    path = write(tmp_path, sparse + rest)
    left = without(path, b"1")
    assert left.startswith(sparse)
    assert left[len(sparse) :].rstrip(b"\0").endswith(b"b")


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz"])
def test_a_damaged_one_is_refused(tmp_path, name):
    data = packed([entry("1.jpg", b"a" * 5000), entry("2.jpg", b"b" * 5000)])
    path = write(tmp_path, data[:9000], name)
    with open_shard(os.fsencode(path), None) as shard, pytest.raises(ContainerError, match="cut"):
        shard.members()


def test_one_that_shrinks_is_refused(tmp_path):
    path = write(tmp_path, packed([entry("1.jpg", b"a" * 5000), entry("2.jpg", b"b" * 5000)]))
    with open_shard(os.fsencode(path), None) as shard:
        shard.members()
        os.truncate(path, 7000)
        with pytest.raises(ContainerError, match="cut short"):
            shard.write({b"1"}, io.BytesIO())
