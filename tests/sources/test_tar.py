"""Tar files, against `tarfile` of the standard library."""

import gzip
import io
import os
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastphash.errors import ImageError
from fastphash.sources.containers import gzip_input, open_container
from fastphash.sources.containers.format import ContainerError, Member
from fastphash.sources.containers.gzip_input import GzipInput

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def entry(name, data=b"", kind=tarfile.REGTYPE, link="", **fields):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def packed(entries, form=tarfile.PAX_FORMAT, **options):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form, **options) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def listed(path):
    """Members as far as they are whole, and why they end."""
    found = []
    try:
        with open_container(os.fsencode(path)) as container:
            found.extend(container.members())
    except ContainerError as error:
        return found, str(error)
    return found, None


def contents(path):
    """Names and bytes of all members, and why they end."""
    members, problem = listed(path)
    if not members:
        return {}, problem
    with open_container(os.fsencode(path)) as container:
        data = list(container.read(members))
    return {member.name: one for member, one in zip(members, data, strict=True)}, problem


def write(folder, data, name="x.tar"):
    path = folder / name
    path.write_bytes(gzip.compress(data, 1) if name.endswith("gz") else data)
    return path


def files_of_twin(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [
            (os.fsencode(info.name), tar.extractfile(info).read()) for info in tar if info.isreg()
        ]


SOME = [
    entry("000.jpg", b"a" * 700),
    entry("folder", kind=tarfile.DIRTYPE),
    entry("folder/001.seg.png", b"b" * 512),
    entry("link.jpg", kind=tarfile.SYMTYPE, link="000.jpg"),
    entry("empty.txt"),
    entry("n" * 150 + ".jpg", b"long"),
    entry("d" * 60 + "/" + "é" * 30 + ".png", b"prefix"),
    entry("device", kind=tarfile.CHRTYPE),
    entry("pipe", kind=tarfile.FIFOTYPE),
    entry("last.jpg", bytes(range(256)) * 5),
]


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tgz", "X.TAR"])
@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_members_are_the_files_that_tarfile_finds(tmp_path, name, form):
    data = packed(SOME, FORMATS[form])
    found, problem = contents(write(tmp_path, data, name))
    assert problem is None
    assert list(found.items()) == files_of_twin(data)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=160
).filter(lambda name: name.strip("."))
DATA = st.binary(max_size=1200)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, DATA, max_size=5), st.sampled_from(["gnu", "pax"]), st.booleans())
def test_any_names_and_sizes(tmp_path_factory, files, form, compressed):
    data = packed([entry(name, data) for name, data in files.items()], FORMATS[form])
    folder = tmp_path_factory.mktemp("tar")
    found, problem = contents(write(folder, data, "x.tar.gz" if compressed else "x.tar"))
    assert problem is None
    assert list(found.items()) == files_of_twin(data)


def test_names_of_ustar_have_a_prefix(tmp_path):
    name = "d" * 90 + "/" + "f" * 90
    found, _ = contents(write(tmp_path, packed([entry(name, b"x")], tarfile.USTAR_FORMAT)))
    assert found == {name.encode(): b"x"}


def test_a_key_ends_at_the_first_dot_of_the_file_name(tmp_path):
    names = ["a.b/0001.seg.png", "0002.jpg", "none", ".hidden.jpg"]
    members, _ = listed(write(tmp_path, packed([entry(name) for name in names])))
    assert [member.key for member in members] == [b"a.b/0001", b"0002", b"none", b""]


def test_names_are_bytes_and_go_nowhere(tmp_path):
    names = [b"\xff\xfe.jpg", b"../up.jpg", b"/etc/passwd", b"./a.jpg"]
    entries = [entry(os.fsdecode(name), name) for name in names]
    found, problem = contents(write(tmp_path, packed(entries, tarfile.GNU_FORMAT)))
    assert problem is None
    assert found == {name: name for name in names}


def test_equal_names_are_members_with_numbers(tmp_path):
    names = ["x.jpg", "x.jpg", "x#2.jpg", "x.jpg"]
    entries = [entry(name, b"%d" % i) for i, name in enumerate(names)]
    found, _ = contents(write(tmp_path, packed(entries)))
    assert found == {b"x.jpg": b"0", b"x#2.jpg": b"1", b"x#2#2.jpg": b"2", b"x#3.jpg": b"3"}


def test_a_hard_link_has_the_bytes_of_its_file(tmp_path):
    entries = [
        entry("a.jpg", b"one"),
        entry("b.jpg", kind=tarfile.LNKTYPE, link="a.jpg"),
        entry("c.jpg", kind=tarfile.LNKTYPE, link="b.jpg"),
        entry("lost.jpg", kind=tarfile.LNKTYPE, link="z.jpg"),
        entry("z.jpg", b"late"),
        entry("a.txt", kind=tarfile.LNKTYPE, link="none.txt"),
    ]
    data = packed(entries)
    found, problem = contents(write(tmp_path, data))
    assert problem is None
    assert str(found.pop(b"lost.jpg")) == "read: a hard link to b'z.jpg', which isn't before it"
    # one that is no image by its names is skipped, not rejected
    assert found.pop(b"a.txt") == b""
    assert found == {b"a.jpg": b"one", b"b.jpg": b"one", b"c.jpg": b"one", b"z.jpg": b"late"}
    packed_again, _ = contents(write(tmp_path, data, "x.tgz"))
    assert {name: one for name, one in packed_again.items() if name != b"lost.jpg"} == {
        **found,
        b"a.txt": b"",
    }


def test_records_of_pax_for_all_entries(tmp_path):
    entries = [entry("a", b"1"), entry("b", b"22")]
    data = packed(entries, pax_headers={"path": "named", "comment": "x"})
    found, problem = contents(write(tmp_path, data))
    assert problem is None
    assert found == {b"named": b"1", b"named#2": b"22"}


def test_sizes_in_records_of_pax_and_in_base_256(tmp_path):
    by_pax = packed([entry("a.jpg", b"x" * 600, pax_headers={"size": "600"})])
    found, _ = contents(write(tmp_path, by_pax))
    assert found == {b"a.jpg": b"x" * 600}
    block = bytearray(packed([entry("a.jpg", b"x" * 600)], tarfile.GNU_FORMAT))
    block[124:136] = b"\x80" + (600).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    found, _ = contents(write(tmp_path, block))
    assert found == {b"a.jpg": b"x" * 600}


def test_old_sums_of_signed_bytes(tmp_path):
    block = bytearray(packed([entry("é.jpg", b"x")], tarfile.GNU_FORMAT))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(byte - 256 * (byte > 127) for byte in block[:512])
    assert contents(write(tmp_path, block)) == ({"é.jpg".encode(): b"x"}, None)


@pytest.mark.parametrize("records", [{"GNU.sparse.major": "1", "GNU.sparse.name": "a.jpg"}, {}])
def test_files_with_holes_are_rejected_alone(tmp_path, records):
    kind = tarfile.REGTYPE if records else tarfile.GNUTYPE_SPARSE
    entries = [
        entry("a.jpg", b"x" * 99, kind, pax_headers=records),
        entry("b.jpg", b"whole"),
    ]
    found, problem = contents(write(tmp_path, packed(entries)))
    assert problem is None
    assert "as an ordinary file" in str(found[b"a.jpg"])
    assert found[b"b.jpg"] == b"whole"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\xff\xd8\xff" * 400, "not a tar file"),
        (b"BZh91AY", "compressed by bzip2"),
        (b"\x28\xb5\x2f\xfd....", "compressed by zstd"),
    ],
)
def test_what_is_no_tar_file(tmp_path, data, reason):
    found, problem = listed(write(tmp_path, data))
    assert found == []
    assert reason in problem


def test_an_archive_without_members_and_one_without_an_end(tmp_path):
    assert listed(write(tmp_path, packed([]))) == ([], None)
    data = packed([entry("a.jpg", b"x" * 512)])
    assert contents(write(tmp_path, data[:1024])) == ({b"a.jpg": b"x" * 512}, None)


def test_archives_one_behind_the_other_are_said(tmp_path):
    data = packed([entry("a.jpg", b"x")])
    for name in ("x.tar", "x.tgz"):
        found, problem = contents(write(tmp_path, data * 2, name))
        assert found == {b"a.jpg": b"x"}
        assert "several tar files" in problem


def test_what_is_missing_or_no_file(tmp_path):
    assert "No such file" in listed(tmp_path / "none.tar")[1]
    os.mkfifo(tmp_path / "pipe.tar")
    assert listed(tmp_path / "pipe.tar") == ([], "not a regular file")
    with pytest.raises(ContainerError, match=r"must end with \.tar"):
        open_container(b"x.rar")


def check_damaged(path, whole):
    """Everything that is found is what was there, and anything that is missing is said."""
    found, problem = contents(path)
    kept = {name: data for name, data in found.items() if not isinstance(data, ImageError)}
    assert kept.items() <= whole.items()
    assert problem or kept == whole
    return kept


@pytest.mark.parametrize("name", ["x.tar", "x.tgz"])
def test_cut_short_anywhere(tmp_path, name):
    entries = [entry(f"{i}.jpg", os.urandom(400 * i)) for i in range(4)]
    entries.insert(2, entry("p" * 120, b"pax"))
    data = packed(entries)
    whole = dict(files_of_twin(data))
    path = write(tmp_path, data, name)
    stored = path.read_bytes()
    end = len(data.rstrip(b"\0"))
    last = end if name == "x.tar" else len(stored)
    # a plain file may end behind any of its members
    ends = [-(-end // 512) * 512, len(data)]
    for size in range(0, last, 97):
        path.write_bytes(stored[:size])
        found, problem = contents(path)
        assert found.items() <= whole.items()
        assert problem or (size % 512 == 0 and size not in ends[1:])


@pytest.mark.parametrize("name", ["x.tar", "x.tgz"])
def test_flipped_bits_never_show_a_member_under_another_name(tmp_path, name):
    entries = [entry(f"{i}.jpg", b"%d" % i * (300 * i)) for i in range(1, 4)]
    data = packed(entries)
    whole = dict(files_of_twin(data))
    path = write(tmp_path, data, name)
    stored = bytearray(path.read_bytes())
    step = 23 if name == "x.tar" else 1
    for place in range(0, min(len(stored), 6000), step):
        stored[place] ^= 1 << place % 8
        path.write_bytes(stored)
        stored[place] ^= 1 << place % 8
        found, problem = contents(path)
        if name == "x.tgz":
            # bytes that its sum tells to be others are named as damage of the whole
            assert problem or found.items() <= whole.items()
        elif not problem:
            assert found.keys() == whole.keys()


def test_members_before_damage_are_read_in_any_order(tmp_path):
    entries = [entry(f"{i}.jpg", bytes([i + 1]) * 3072) for i in range(9)]
    path = write(tmp_path, packed(entries).rstrip(b"\0") + bytes(1024), "x.tgz")
    stored = bytearray(path.read_bytes())
    # of the sum of all
    stored[-8] ^= 1
    path.write_bytes(stored)
    members, problem = listed(path)
    assert "incorrect data check" in problem
    assert len(members) == 9
    for order in (members, members[::-1], members[8:]):
        with open_container(os.fsencode(path)) as container:
            read = [next(container.read([member])) for member in order]
        assert read == [entries[int(member.key)][1] for member in order]


def test_a_member_that_is_no_longer_there(tmp_path):
    path = write(tmp_path, packed([entry("a.jpg", b"x" * 900), entry("b.jpg", b"y" * 100)]))
    members, _ = listed(path)
    path.write_bytes(packed([entry("c.jpg", b"z" * 900), entry("b.jpg", b"y" * 100)]))
    with open_container(os.fsencode(path)) as container:
        changed, same = container.read(members)
        beyond = Member(b"b.jpg", b"b", 10**12, 5)
        inside = Member(b"b.jpg", b"b", members[1].offset + 512, 100)
        others = list(container.read([beyond, inside]))
    assert "has changed" in str(changed)
    assert same == b"y" * 100
    assert all(isinstance(one, ImageError) for one in others)


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = write(tmp_path, packed([entry("a.jpg", b"x" * 9000)]))
    with open_container(os.fsencode(path)) as container:
        members = list(container.members())
        os.truncate(path, 2000)
        (data,) = container.read(members)
    assert "cut short" in str(data)


def test_a_compressed_file_is_unfolded_from_near_where_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(gzip_input, "_SPACING", 1 << 17)
    monkeypatch.setattr(gzip_input, "_MOST_MARKS", 8)
    entries = [entry(f"{i}.jpg", os.urandom(90_000)) for i in range(40)]
    data = packed(entries)
    path = write(tmp_path, data, "x.tgz")
    # two streams behind one another, with zeros between and behind them
    streams = [gzip.compress(part, 1) for part in (data[:999_999], data[999_999:])]
    path.write_bytes(bytes(9).join([*streams, b""]))
    members, problem = listed(path)
    assert problem is None
    fed = []
    feed = GzipInput._feed
    monkeypatch.setattr(GzipInput, "_feed", lambda self: fed.append(data := feed(self)) or data)
    with open_container(os.fsencode(path)) as container:
        list(container.members())
        whole = sum(map(len, fed))
        assert whole == path.stat().st_size
        for numbers in (range(40), range(39, -1, -1), [7, 31, 7, 0, 39, 38]):
            fed.clear()
            chosen = [members[number] for number in numbers]
            read = [next(container.read([member])) for member in chosen]
            assert read == [entries[number][1] for number in numbers]
            most = 1.1 * whole if numbers == range(40) else len(read) * whole / 3
            assert sum(map(len, fed)) < most


def test_a_compressed_member_has_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("fastphash.sources.containers.tar.MOST_BYTES", 100)
    path = write(tmp_path, packed([entry("a.jpg", bytes(101)), entry("b.jpg", b"x")]), "x.tgz")
    found, _ = contents(path)
    assert "101 bytes, more than 100" in str(found[b"a.jpg"])
    assert found[b"b.jpg"] == b"x"
