"""Members of containers, found by name and read in order."""

import os
import pickle
import tracemalloc

import pytest
import xxhash

from fastphash.errors import ImageError
from fastphash.sources import open_containers
from fastphash.sources.container_source import ContainerSource, list_container
from fastphash.sources.containers.format import LARGE
from fastphash.sources.member_reader import ContainerReader, MemberReader
from fastphash.sources.open_containers import MemberIndex, close_containers
from fastphash.sources.origins import ContainerRecord, Origin, is_origin, origin_of
from fastphash.sources.protocol import UNKNOWN_SIZE, OutsideError, Stamp
from fastphash.sources.readers import reader_at
from tests.support.containers import MAKERS, make_tar

PNG = b"\x89PNG\r\n\x1a\n"
FILES = [("a.png", PNG + b"a"), ("a.txt", b"text"), ("d/b.jpg", b"bad"), ("c", PNG + b"c")]


@pytest.fixture
def root(tmp_path):
    make_tar(tmp_path / "x.tar", FILES)
    yield os.fsencode(tmp_path)
    close_containers()


def test_members_are_found_by_name(root):
    reader = ContainerReader(root)
    found = {name: reader.read(b"x.tar::" + name.encode()) for name, _ in FILES}
    assert [data for data, _ in found.values()] == [PNG + b"a", None, b"bad", PNG + b"c"]
    _, stamp = found["a.png"]
    assert stamp.size == len(PNG) + 1
    assert reader.stamp(b"x.tar::a.png") == stamp._replace(size=UNKNOWN_SIZE)
    assert reader.stamp(b"x.tar::a.png").has_size(12345)
    assert reader.read_hashed(b"x.tar::c", 3, follow_links=False) == PNG[:4]
    assert reader.digest(b"x.tar::c") == xxhash.xxh3_128_digest(PNG + b"c")
    with pytest.raises(FileNotFoundError):
        reader.read_hashed(b"x.tar::none", 3)
    with pytest.raises(ImageError, match="read"):
        reader.read(b"x.tar::none")
    for method in (reader.stamp, reader.digest):
        with pytest.raises(FileNotFoundError):
            method(b"y.tar::a.png")


def test_a_container_that_is_replaced_is_opened_again(root, tmp_path):
    reader = ContainerReader(root)
    assert reader.digest(b"x.tar::c") == xxhash.xxh3_128_digest(PNG + b"c")
    make_tar(tmp_path / "x.tar", [("c", b"other")])
    assert reader.digest(b"x.tar::c") == xxhash.xxh3_128_digest(b"other")
    (tmp_path / "x.tar").write_bytes(b"damaged")
    with pytest.raises(FileNotFoundError):
        reader.digest(b"x.tar::c")


def test_only_a_few_containers_stay_open(root, tmp_path):
    reader = ContainerReader(root)
    for number in range(7):
        make_tar(tmp_path / f"{number}.tar", FILES)
        reader.digest(b"%d.tar::c" % number)
    assert len(open_containers._open) == 4
    close_containers()
    assert not open_containers._open


def test_paths_that_lead_out_of_the_root_are_refused(root, tmp_path):
    reader = ContainerReader(root)
    assert reader.resolve(b"x.tar::../../a") == b"x.tar::../../a"
    with pytest.raises(OutsideError):
        reader.resolve(b"../x.tar::a")
    (tmp_path / "link.tar").symlink_to("/elsewhere/x.tar")
    assert reader.resolve(b"link.tar::a") == b"link.tar::a"


def tasked(root):
    """What a worker gets for all members."""
    listing = list_container(root, b"x.tar")
    places = {b"x.tar::" + one.name: (one.offset, one.size) for one in listing.members}
    return pickle.loads(pickle.dumps(MemberReader(ContainerReader(root), listing.stamp, places)))


def test_members_are_read_in_order_or_from_any_on(root):
    paths = [b"x.tar::" + name.encode() for name, _ in FILES]
    content = dict(zip(paths, [PNG + b"a", None, b"bad", PNG + b"c"], strict=True))
    for order in (paths, paths[2:], paths[::-1], [paths[0], paths[3], paths[1]]):
        reader = tasked(root)
        assert [reader.read(path)[0] for path in order] == [content[path] for path in order]
    with pytest.raises(ImageError, match="not in the container any more"):
        tasked(root).read(b"x.tar::none")


def test_members_of_a_container_that_changed_are_not_read(root, tmp_path):
    reader = tasked(root)
    make_tar(tmp_path / "x.tar", FILES[::-1])
    for name, _ in FILES:
        with pytest.raises(ImageError, match="the container changed after it was listed"):
            reader.read(b"x.tar::" + name.encode())


def test_an_index_finds_members_and_nothing_else(root):
    members = list_container(root, b"x.tar").members
    index = MemberIndex.of(iter(members))
    for member in members:
        assert index.find(member.name) == member._replace(key=b"")
    assert index.find(b"none") is None
    assert MemberIndex.of([]).find(b"a") is None


def test_a_listing_says_what_is_wrong(root, tmp_path):
    assert list_container(root, b"none.tar").problem == "No such file or directory"
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:1300])
    listing = list_container(root, b"x.tar")
    assert [member.name for member in listing.members] == [b"a.png"]
    assert "cut short" in listing.problem


def test_an_origin_is_what_it_was_written_as(root):
    record = ContainerRecord(1, -2, 3, 4, 10, 6, 1, 2, 1)
    origin = Origin("img", hidden=True, containers={b"\xff.tar": record})
    reader = reader_at(root, origin.to_json())
    assert reader == ContainerReader(root, "img")
    assert record.is_whole
    assert record.stamp == Stamp(1, -2, 3, 4)
    remote = Origin(None, hidden=False, containers={b"x.tar": record._replace(etag="abc")})
    assert is_origin(remote.to_json())
    assert origin_of(remote.to_json()) == remote


@pytest.mark.parametrize("form", sorted(MAKERS.keys() - {"parquet"}))
def test_large_members_are_read_only_if_they_begin_like_images(tmp_path, form):
    ending, make = MAKERS[form]
    size = 8 * LARGE
    files = [
        ("video.mp4", b"\0\0\0\x20ftypisom" + bytes(size)),
        ("drawing.psd", b"8BPS" + bytes(size)),
        ("picture.png", PNG + os.urandom(size)),
        ("scan", PNG + bytes(size)),
        ("small.png", PNG),
    ]
    make(tmp_path / f"x.{ending}", files)
    name = f"x.{ending}".encode()
    listing = list_container(os.fsencode(tmp_path), name)
    entries = list(ContainerSource("", os.fsencode(tmp_path), (name,)).entries_of(name, listing))
    reader = ContainerReader(os.fsencode(tmp_path)).for_task(entries)
    read = []
    for entry in entries[:2]:
        tracemalloc.start()
        read.append(reader.read(entry.path)[0])
        assert tracemalloc.get_traced_memory()[1] < size / 2
        tracemalloc.stop()
    read += [reader.read(entry.path)[0] for entry in entries[2:]]
    assert read[0] is None
    assert files[1][1].startswith(read[1])
    assert read[2:] == [data for _, data in files[2:]]
    close_containers()
