"""What is counted is named in the right number."""

import re

import pytest

from tests.support.command_line import run
from tests.support.scenes import scenes

NOUNS = "images|files|hashes|pairs|groups|copies|bits|needles|entries|decisions|annotations|leaks"


@pytest.fixture(scope="module")
def ones(tmp_path_factory):
    """One image in each of two splits, one of them broken beside it, and all commands' words."""
    folder = tmp_path_factory.mktemp("ones")
    scenes(folder / "a", [1])
    scenes(folder / "b", [1])
    (folder / "b" / "broken.jpg").write_bytes(b"no image")
    (folder / "b" / "notes.txt").write_text("text")
    shown = {}

    def show(*words, status=0):
        done = run(*words, cwd=folder, status=status)
        shown[words[0]] = shown.get(words[0], "") + done.stdout + done.stderr

    show("audit", "a", "b", "-o", "out", "--radius", "1")
    show("audit", "a", "-o", "one")
    show("audit", "a", "b", "-o", "zero", "--radius", "0")
    show("hash", "b", "-o", "s")
    show("info", "out")
    show("report", "out")
    show("join", "out@a", "out@b", "-o", "p.csv", "--radius", "1", "--explain")
    show("group", "out", "-o", "g.csv")
    show("calibrate", "out", "--radius", "1")
    show("query", "a/001.png", "--in", "out", "-k", "1")
    show("convert", "s", "s.json")
    show("convert", "s.json", "t")
    show("clean", "out")
    return shown


@pytest.mark.parametrize(
    "verb",
    ["audit", "hash", "info", "report", "join", "group", "calibrate", "query", "convert", "clean"],
)
def test_one_thing_is_singular(ones, verb):
    assert re.findall(rf"(?<![\d,.:])1 (?:\w+ )?(?:{NOUNS})\b", ones[verb]) == []


def test_the_words_are_those_of_one(ones):
    assert "2 files: 1 hashed" in ones["audit"] or "4 files: 2 hashed" in ones["audit"]
    assert "1 file rejected" in ones["hash"]
    assert "1 group with pictures" in ones["report"]
    assert "1 entry to s.json" in ones["convert"]
    assert "Pairs of 1 needle and 1 haystack image by phash," in ones["join"]
    assert "differs in at most 1 of 64 bits" in " ".join(ones["audit"].split())
