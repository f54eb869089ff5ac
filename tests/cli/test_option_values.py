"""What is said becomes values."""

from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from fastphash.cli import option_values as values
from fastphash.cli.option_groups import ApplyOptions, CopyOptions, PlanOptions, any_given, gather
from fastphash.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("104857600", 100 << 20),
        ("800M", 800 << 20),
        ("4G", 4 << 30),
        ("102400.5k", (100 << 20) + 512),
        ("2 TiB", 2 << 40),
    ],
)
def test_sizes(text, size):
    assert values.parse_size(None, None, text) == size


@pytest.mark.parametrize("text", ["", "x", "0", "0.1", "-1G", "4Q", "1e3", "4 G B"])
def test_texts_that_are_no_size(text):
    with pytest.raises(click.BadParameter, match="is no size: write 800M or 4G"):
        values.parse_size(None, None, text)


@pytest.mark.parametrize("text", ["1", "1.5k", "99.9M", "104857599"])
def test_sizes_that_no_search_can_keep_to(text):
    with pytest.raises(click.BadParameter, match=f"'{text}' is too little.*: 100M is the least"):
        values.parse_size(None, None, text)


def test_what_is_not_said_has_no_size_and_no_names():
    assert values.parse_size(None, None, None) is None
    parse = values.kinds_parser(["near"])
    assert values.parse_names(None, None, None) == parse(None, None, None) == []


def test_blanks_around_commas_are_left_out():
    assert values.parse_names(None, None, " phash, dhash ,pdq, ") == ["phash", "dhash", "pdq"]
    assert values.parse_proposals(None, None, "dhash, pdq") == ("dhash", "pdq")
    assert values.kinds_parser(["near"])(None, None, "near, exact") == ["near", "exact"]
    assert values.kinds_parser(["near"])(None, None, "+exact, -near") == ["exact"]
    assert values.parse_columns(None, None, "path=url, phash = a ,") == {
        "path": "url",
        "phash": " a ",
    }
    with pytest.raises(click.BadParameter, match="', ' is no file, and no hash"):
        values.parse_proposals(None, None, ", ")


SURE = "identical,exact,augmented"


def kinds(text, default=SURE, always=()):
    return values.kinds_parser(default.split(","), always)(None, None, text)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        *[("twin", "twin"), ("near,twin", "twin"), ("+twin", "twin"), ("-twin", "twin")],
        *[("++near", "+near"), ("+", ""), ("", ""), (",", ",")],
    ],
)
def test_kinds_that_are_none(text, bad):
    with pytest.raises(click.BadParameter, match="use some of identical, exact") as caught:
        kinds(text)
    assert repr(bad) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("near", "near"),
        ("near,exact", "near,exact"),
        ("+near", f"{SURE},near"),
        ("-augmented", "identical,exact"),
        ("+unverified,-exact,+near", "identical,augmented,near,unverified"),
        ("+near,-near", SURE),
        ("+exact", SURE),
    ],
)
def test_a_sign_changes_the_default_and_a_list_replaces_it(text, meant):
    assert kinds(text) == meant.split(",")


@pytest.mark.parametrize(
    ("text", "always", "said"),
    [
        ("near,+exact", (), "'near,\\+exact' has kinds with a sign and without"),
        ("-augmented,near", (), "kinds without a sign replace it"),
        ("-identical", ("identical",), "'-identical': identical copies can't be left out"),
        ("-identical,-exact,-augmented", (), "leaves no kind of identical, exact, augmented"),
    ],
)
def test_signs_that_make_no_sense(text, always, said):
    with pytest.raises(click.BadParameter, match=said):
        kinds(text, always=always)


@pytest.mark.parametrize("text", ["x", "=file", "val=", "val=nowhere.json"])
def test_coco_files_that_are_none(text):
    with pytest.raises(click.BadParameter):
        values.parse_label_files(None, None, (text,))


def test_one_coco_file_for_a_split(tmp_path):
    file = tmp_path / "a=b.json"
    file.touch()
    assert values.parse_label_files(None, None, (f"val={file}",)) == {"val": file}
    with pytest.raises(click.BadParameter, match="two files for split 'val'"):
        values.parse_label_files(None, None, (f"val={file}", f"val={file}"))


@pytest.mark.parametrize("kind", [values.SCORE, values.PRECISION, values.SECONDS])
def test_nan_is_no_number(kind):
    with pytest.raises(click.BadParameter, match="'nan' is no number"):
        kind.convert("nan", None, None)


@dataclass
class Size:
    width: int
    height: int


def test_a_command_gets_a_group_of_options_as_one():
    received = {}

    @click.command()
    @click.option("--width", type=int)
    @click.option("--name")
    @click.option("--height", type=int)
    @gather(size=Size)
    def command(**arguments):
        received.update(arguments)

    words = ["--width", "3", "--height", "4", "--name", "x"]
    assert CliRunner().invoke(command, words).exit_code == 0
    assert received == {"size": Size(3, 4), "name": "x"}


def test_any_given():
    assert not any_given(PlanOptions([], []))
    assert any_given(PlanOptions([], ["val"]))
    assert not any_given(
        ApplyOptions(
            mode=None,
            coco={},
            tables={},
            null=False,
            absolute=False,
            overwrite=False,
            drop_rejected=False,
        )
    )


def copy_options(min_score=None, verify=True):
    return CopyOptions(4, min_score, verify, memory=None, explain=False)


def test_the_least_score():
    assert copy_options().least_score() == 0.5
    assert copy_options(0.0).least_score() == 0
    assert copy_options(verify=False).least_score() is None
    with pytest.raises(UsageError, match=r"`min_score` needs thumbnails .* `verify`$"):
        copy_options(0.0, verify=False).least_score()
