"""Zip files without some members, read back by `zipfile`."""

import io
import struct
import zipfile

import pytest

from fastphash.clean.shards import zip as zip_shard
from fastphash.sources.containers.format import ContainerError
from tests.clean.shards.test_tar import without

NAMES = ("README.md", "f/", "f/1.jpg", "f/1.json", "f/ä.jpg", "f/2.jpg", "f/3.png")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class Stream(io.BytesIO):
    """A file that nobody can go back in: sums and sizes follow each member."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation

    def tell(self):
        raise io.UnsupportedOperation


def packed(file, *, wide=False):
    with zipfile.ZipFile(file, "w") as archive:
        for i, name in enumerate(NAMES):
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 2 * i))
            info.compress_type = METHODS[i % 4]
            info.comment, info.extra = b"of %d" % i, b"\xfe\xca\x02\x00ab"
            info.external_attr = 0o100640 << 16
            with archive.open(info, "w", force_zip64=wide) as member:
                member.write(b"" if name.endswith("/") else name.encode() * 100)
        archive.comment = b"of all"
    return file.getvalue()


def read(data):
    fields = ("filename", "date_time", "comment", "extra", "external_attr", "CRC", "compress_type")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        found = [
            ({name: getattr(info, name) for name in fields}, archive.read(info))
            for info in archive.infolist()
        ]
        return archive.comment, found


@pytest.mark.parametrize("file", [io.BytesIO, Stream])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n"])
def test_what_stays_is_as_it_was(tmp_path, file, wide, before):
    (tmp_path / "x.zip").write_bytes(before + packed(file(), wide=wide))
    comment, members = read(packed(file(), wide=wide))
    left = without(tmp_path / "x.zip", b"f/1", b"f/2")
    gone = ("f/1.jpg", "f/1.json", "f/2.jpg")
    assert read(left) == (comment, [one for one in members if one[0]["filename"] not in gone])
    assert without(tmp_path / "x.zip")[-6:] == b"of all"


def test_names_of_other_encodings_are_kept(tmp_path):
    data = packed(io.BytesIO()).replace("f/ä.jpg".encode(), b"f/\x84\xff.jpg")
    (tmp_path / "x.zip").write_bytes(data)
    assert without(tmp_path / "x.zip", b"f/1").count(b"\0f/\x84\xff.jpg") == 2


@pytest.mark.slow
def test_more_members_than_16_bits_count(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number in range(66_000):
            archive.writestr(f"{number}.jpg", b"")
    left = zipfile.ZipFile(io.BytesIO(without(tmp_path / "x.zip", b"7", b"65999")))
    assert [int(name[:-4]) for name in left.namelist()] == [
        number for number in range(66_000) if number not in (7, 65_999)
    ]


def test_offsets_of_64_bits(tmp_path, monkeypatch):
    # an entry whose offset 32 bits could hold as well, said in 64; and a directory said in 64
    data = bytearray(packed(io.BytesIO(), wide=True))
    at = data.rfind(b"PK\1\2")
    name, extra = struct.unpack_from("<HH", data, at + 28)
    (offset,) = struct.unpack_from("<I", data, at + 42)
    struct.pack_into("<I", data, at + 42, 0xFFFFFFFF)
    struct.pack_into("<H", data, at + 30, extra + 12)
    data[at + 46 + name : at + 46 + name] = struct.pack("<HHQ", 1, 8, offset)
    end = data.rfind(b"PK\5\6")
    (size,) = struct.unpack_from("<I", data, end + 12)
    struct.pack_into("<I", data, end + 12, size + 12)
    (tmp_path / "x.zip").write_bytes(data)
    _, members = read(bytes(data))
    monkeypatch.setattr(zip_shard, "_MOST_MEMBERS", 2)
    left = without(tmp_path / "x.zip", b"f/1")
    assert b"PK\6\6" in left
    gone = ("f/1.jpg", "f/1.json")
    assert [(info["filename"], info["CRC"], content) for info, content in read(left)[1]] == [
        (info["filename"], info["CRC"], content)
        for info, content in members
        if info["filename"] not in gone
    ]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"PK\3\4", b"XK\3\4", "isn't where the directory says"),
        (b"PK\7\x08", b"PK\7\x09", "aren't behind it"),
        (b"PK\1\2", b"PK\1\3", "damaged behind 0 of 7 entries"),
    ],
)
def test_a_damaged_one_is_refused(tmp_path, old, new, why):
    (tmp_path / "x.zip").write_bytes(packed(Stream()).replace(old, new))
    with pytest.raises(ContainerError, match=why):
        without(tmp_path / "x.zip", b"f/1")


def test_members_that_overlap_are_refused(tmp_path):
    data = bytearray(packed(io.BytesIO()))
    at = data.rfind(b"PK\1\2")
    at = data.rfind(b"PK\1\2", 0, at)
    # the bytes of the member before the last one reach into the last
    (stored,) = struct.unpack_from("<I", data, at + 20)
    struct.pack_into("<I", data, at + 20, stored + 10)
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ContainerError, match="members overlap at byte"):
        without(tmp_path / "x.zip", b"f/1")
