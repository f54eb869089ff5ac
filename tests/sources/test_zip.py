"""Zip files, against `zipfile` of the standard library."""

import io
import os
import stat
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastphash.errors import ImageError
from fastphash.sources.containers import open_container
from tests.sources.test_tar import contents, listed

METHODS = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED}


class Unseekable(io.RawIOBase):
    """A stream, for which sizes are written behind each member."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def packed(files, method=zipfile.ZIP_DEFLATED, *, stream=False, wide=False):
    file = Unseekable() if stream else io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = method if info.compress_type == 0 else info.compress_type
            with archive.open(info, "w", force_zip64=wide) as member:
                member.write(data)
    return bytes(file.data) if stream else file.getvalue()


def write(folder, data):
    path = folder / "x.zip"
    path.write_bytes(data)
    return path


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=90)
FILES = st.dictionaries(NAMES, st.binary(max_size=900), max_size=5)


@settings(max_examples=40, deadline=None)
@given(FILES, st.sampled_from(sorted(METHODS)), st.booleans(), st.booleans(), st.binary(max_size=9))
def test_members_are_the_files_that_zipfile_finds(
    tmp_path_factory, files, method, stream, wide, before
):
    data = before + packed(files.items(), METHODS[method], stream=stream, wide=wide)
    path = write(tmp_path_factory.mktemp("zip"), data)
    with zipfile.ZipFile(path) as twin:
        expected = [(info.filename.encode(), twin.read(info)) for info in twin.infolist()]
    found, problem = contents(path)
    assert problem is None
    assert list(found.items()) == expected


def test_folders_and_links_are_no_members(tmp_path):
    link = zipfile.ZipInfo("link.jpg")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    data = packed([("folder/", b""), ("folder/a.b.jpg", b"x"), (link, b"folder/a.jpg")])
    members, problem = listed(write(tmp_path, data))
    assert problem is None
    assert [(member.name, member.key) for member in members] == [(b"folder/a.b.jpg", b"folder/a.b")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_equal_names_are_members_with_numbers(tmp_path):
    found, _ = contents(write(tmp_path, packed([("x.jpg", b"0"), ("x.jpg", b"1")])))
    assert found == {b"x.jpg": b"0", b"x#2.jpg": b"1"}


def test_names_that_are_no_text(tmp_path):
    data = packed([("é.jpg", b"x"), ("b.jpg", b"y")])
    found, problem = contents(write(tmp_path, data.replace("é".encode(), b"\xff\xfe")))
    assert problem is None
    assert found == {b"\xff\xfe.jpg": b"x", b"b.jpg": b"y"}


def test_what_cannot_be_read_costs_only_itself(tmp_path):
    other = zipfile.ZipInfo("b.jpg")
    other.compress_type = zipfile.ZIP_BZIP2
    data = bytearray(packed([("a.jpg", b"x" * 99), (other, b"y"), ("c.jpg", b"z" * 99)]))
    data[6] |= 1
    found, problem = contents(write(tmp_path, data))
    assert problem is None
    assert str(found[b"a.jpg"]) == "read: encrypted: unpack it with its password"
    assert str(found[b"b.jpg"]) == "read: compressed by bzip2: pack it again with deflate"
    assert found[b"c.jpg"] == b"z" * 99


def test_a_member_that_unfolds_to_more_than_it_says(tmp_path, monkeypatch):
    data = bytearray(packed([("a.jpg", bytes(10**6)), ("b.jpg", bytes(5000))]))
    struct.pack_into("<I", data, 22, 100)
    found, _ = contents(write(tmp_path, data))
    assert "damaged" in str(found[b"a.jpg"])
    assert found[b"b.jpg"] == bytes(5000)
    monkeypatch.setattr("fastphash.sources.containers.zip.MOST_BYTES", 4999)
    found, _ = contents(write(tmp_path, data))
    assert str(found[b"b.jpg"]) == "read: 5,000 bytes, more than 4,999"


@pytest.mark.parametrize("stream", [False, True])
def test_cut_short_anywhere(tmp_path, stream):
    files = {f"{i}.jpg": os.urandom(20 * i) for i in range(4)}
    data = packed(files.items(), stream=stream)
    for size in range(0, len(data), 7):
        found, problem = contents(write(tmp_path, data[:size]))
        assert found == {}
        assert "no directory" in problem or "empty" in problem


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_any_flipped_bit_costs_a_member_or_is_said(tmp_path, stream, method):
    files = {f"{i}.jpg".encode(): bytes([i]) * 30 for i in range(3)}
    named = [(name.decode(), data) for name, data in files.items()]
    data = bytearray(packed(named, METHODS[method], stream=stream))
    path = tmp_path / "x.zip"
    for place in range(len(data)):
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        data[place] ^= 1 << place % 8
        found, problem = contents(path)
        # a name that becomes another one's gets a number
        kept = {
            name.replace(b"#2", b""): one
            for name, one in found.items()
            if not isinstance(one, ImageError)
        }
        assert kept.items() <= files.items()
        assert problem or len(found) == 3 or place > len(data) - 22 - 3 * 51


def test_a_damaged_entry_of_the_directory_leaves_those_before(tmp_path):
    data = packed([("a.jpg", b"x"), ("b.jpg", b"y")])
    place = data.rfind(b"PK\1\2")
    found, problem = contents(write(tmp_path, data[:place] + b"XX" + data[place + 2 :]))
    assert found == {b"a.jpg": b"x"}
    assert problem == "damaged behind 1 of 2 entries of its directory"


def test_a_member_that_is_no_longer_there(tmp_path):
    path = write(tmp_path, packed([("a.jpg", b"x" * 50), ("b.jpg", b"y")]))
    members, _ = listed(path)
    path.write_bytes(packed([("c.jpg", b"x" * 50), ("b.jpg", b"y")]))
    with open_container(os.fsencode(path)) as container:
        changed, same = container.read(members)
    assert "has changed" in str(changed)
    assert same == b"y"


def test_one_file_of_an_archive_in_several(tmp_path):
    data = bytearray(packed([("a.jpg", b"x")]))
    struct.pack_into("<H", data, len(data) - 18, 3)
    assert "in several" in listed(write(tmp_path, data))[1]


def test_a_large_image_behind_empty_blocks_is_no_other_file(tmp_path):
    image = b"\x89PNG\r\n\x1a\n" + os.urandom(1 << 21)
    packer = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
    # 10 kB that unfold to nothing
    deflated = b"\0\0\0\xff\xff" * 2000 + packer.compress(image) + packer.flush()
    data = bytearray(packed([("1.png", deflated)], zipfile.ZIP_STORED))
    for header, method, numbers in ((0, 8, 14), (data.rindex(b"PK\1\2"), 10, 16)):
        struct.pack_into("<H", data, header + method, zipfile.ZIP_DEFLATED)
        told = zlib.crc32(image), len(deflated), len(image)
        struct.pack_into("<III", data, header + numbers, *told)
    path = write(tmp_path, bytes(data))
    assert zipfile.ZipFile(path).read("1.png") == image
    with open_container(os.fsencode(path)) as container:
        assert [*container.read_images([*container.members()])] == [image]
