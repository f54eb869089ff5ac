"""Words of the command line as splits: folders, containers, patterns, repeated names."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.errors import UsageError
from fastphash.sources.container_source import ContainerSource
from fastphash.sources.local import LocalSource
from fastphash.sources.named_splits import named_sources
from fastphash.sources.patterns import expand_braces
from tests.support.containers import make_tar


@pytest.fixture
def shards(tmp_path):
    for name in ("train-000.tar", "train-001.tar", "train-002.tar", "val.tar", "more/x.tar.gz"):
        make_tar(tmp_path / name, [])
    (tmp_path / "folder.tar").mkdir()
    (tmp_path / "notes.txt").touch()
    return tmp_path


def named(folder, *words, **options):
    """Name and containers of each split, or the root of a folder."""
    return [
        (source.split, [os.fsdecode(name) for name in source.containers])
        if isinstance(source, ContainerSource)
        else (source.split, os.path.relpath(os.fsdecode(source.root), folder))
        for source in named_sources([word.format(d=folder) for word in words], **options)
    ]


TRAIN = ["train-000.tar", "train-001.tar", "train-002.tar"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["train={d}/train-000.tar"], [("train", TRAIN[:1])]),
        (["{d}/train-000.tar"], [("train-000", TRAIN[:1])]),
        (["train={d}/train-*.tar"], [("train", TRAIN)]),
        (["t={d}/train-{{000..002}}.tar"], [("t", TRAIN)]),
        (["t={d}/train-{{002,000}}.tar"], [("t", [TRAIN[0], TRAIN[2]])]),
        (["t={d}/**/*.tar.gz"], [("t", ["x.tar.gz"])]),
        (["t={d}/more/x.tar.gz", "t={d}/val.tar"], [("t", ["more/x.tar.gz", "val.tar"])]),
        (["t={d}/val.tar", "v={d}/more", "t={d}/val.tar"], [("t", ["val.tar"]), ("v", "more")]),
        (["t={d}/folder.tar"], [("t", "folder.tar")]),
        (["{d}/val.tar", "{d}/more/x.tar.gz"], [("val", ["val.tar"]), ("x", ["x.tar.gz"])]),
    ],
)
def test_words_are_splits(shards, words, wanted):
    assert named(shards, *words) == wanted


def test_a_pattern_without_a_name_has_that_of_its_folder(shards):
    assert named(shards, "{d}/train-*.tar") == [(shards.name, TRAIN)]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("t={d}/none.tar", "no such file: '{d}/none.tar'"),
        ("t={d}/none-*.tar", r"no such file: '{d}/none-\*\.tar'"),
        ("t={d}/nowhere", "no such folder: '{d}/nowhere'"),
        ("t={d}/notes.txt", "not a folder"),
        ("t={d}/train-{{000..004}}.tar", r"train-003.tar' \(2 of the 5 that .* are missing"),
        ("t={d}/train-{{2..0}}.tar", r"the range \{{2..0\}} runs backwards"),
        ("t={d}/train-{{0..9999999}}.tar", "stands for more than 1,000,000 names"),
        ("t={d}/*", "matches more than containers: '{d}/folder.tar' is a folder"),
        ("t={d}/n*.txt", "notes.txt' is no container: name files that end with .tar, .tar.gz"),
        ("a=b={d}/val.tar", "no such file"),
    ],
)
def test_what_is_no_source_is_named(shards, word, said):
    with pytest.raises(UsageError, match=said.format(d=shards)):
        named(shards, word)


def test_a_table_of_hashes_is_no_container(shards):
    pq.write_table(pa.table({"path": ["a"], "phash": [1]}), shards / "hashes.parquet")
    pq.write_table(pa.table({"path": ["a"], "dhash": [1]}), shards / "dhashes.parquet")
    (shards / "hashes.csv").write_text("path,phash\n")
    for name, said in (
        ("hashes.parquet", "has a column phash, so it is a table of hashes and its images aren't"),
        ("dhashes.parquet", "has a column dhash, so it is a table of hashes and its images aren't"),
        ("hashes.csv", "not a folder"),
    ):
        with pytest.raises(UsageError, match=f"{said}.*`fastphash join` finds the leaks"):
            named(shards, f"t={{d}}/{name}")


def test_a_table_of_hashes_with_images_is_a_container_if_their_column_is_named(shards):
    pq.write_table(pa.table({"phash": [1], "photo": [b"x"]}), shards / "both.parquet")
    (source,) = named_sources([f"t={shards}/both.parquet"], image_column="photo")
    assert source.containers == (b"both.parquet",)
    for column, more in ((None, "$"), ("phot", "; 'phot' is none of its columns$")):
        with pytest.raises(UsageError, match=f"name their column as `image_column`{more}"):
            named_sources([f"t={shards}/both.parquet"], image_column=column)


def test_options_reach_the_source(shards):
    options = {"hidden": True, "image_column": "img", "key": "full-name"}
    (source,) = named_sources([f"t={shards}/val.tar"], **options)
    assert {name: getattr(source, name) for name in options} == options
    assert source.listed
    (source,) = named_sources([str(shards / "more")], hidden=True, image_column="img")
    assert isinstance(source, LocalSource)
    assert source.hidden


def test_a_path_with_the_sign_between_container_and_member_is_refused(tmp_path):
    make_tar(tmp_path / "a::b" / "x.tar", [])
    make_tar(tmp_path / "y.tar", [])
    with pytest.raises(UsageError, match=r"'a::b/x\.tar' has '::' in its name"):
        named(tmp_path, "t={d}/a::b/x.tar", "t={d}/y.tar")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("a", ["a"]),
        ("{1..3}", ["1", "2", "3"]),
        ("{09..11}", ["09", "10", "11"]),
        ("{0..10}", [str(number) for number in range(11)]),
        ("x{a,b}y{1..2}", ["xay1", "xay2", "xby1", "xby2"]),
        ("{a}", ["{a}"]),
        ("{,b}", ["", "b"]),
    ],
)
def test_braces_are_expanded_as_shells_do(word, words):
    assert expand_braces(word) == words


def test_a_pattern_names_its_folder_however_many_containers_there_are(shards):
    found = named(shards, "{d}/train-*.tar")
    for name in TRAIN[1:]:
        (shards / name).unlink()
    assert named(shards, "{d}/train-*.tar") == [(found[0][0], TRAIN[:1])]


def test_a_container_of_two_names_is_read_once(shards):
    (shards / "aside.tar").symlink_to("train-001.tar")
    assert named(shards, "t={d}/aside.tar", "t={d}/train-001.tar") == [("t", ["aside.tar"])]


@pytest.mark.parametrize(
    ("word", "key", "said"),
    [
        ("val.tar", "frist-dot", "'frist-dot' is no rule .*: say first-dot, last-dot or full-name"),
        ("val.tar", "", "'' is no rule for names"),
        ("more", "first-dot", "'first-dot' is for tar, zip and Parquet files, and no split has"),
    ],
)
def test_a_key_that_says_nothing_is_named(shards, word, key, said):
    with pytest.raises(UsageError, match=f"^`key` {said}"):
        named_sources([f"t={shards}/{word}"], key=key)


def test_a_column_may_be_that_of_one_split_among_others(shards):
    (shards / "x.parquet").touch()
    sources = named_sources([f"a={shards}/val.tar", f"b={shards}/x.parquet"], key="uid")
    assert [source.key for source in sources] == ["uid", "uid"]
