"""What a plan says of decisions: what they change, and why some change nothing."""

import json

import numpy as np
import pytest
from PIL import Image as Pillow

from tests.audits.test_decisions import say
from tests.support.command_line import run, too_wide
from tests.support.scenes import save, scene


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    """Copies in class folders x and y: of scene 4 across folders, of scene 5 two smaller files."""
    folder = tmp_path_factory.mktemp("decided")
    for seed in range(6):
        save(folder / "in" / "x" / f"{seed}.png", scene(seed))
    for name in ("x/0.bmp", "x/3.bmp", "y/4.bmp", "x/5.bmp"):
        save(folder / "in" / name, scene(int(name[2])))
    Pillow.fromarray(scene(5)).save(folder / "in" / "x" / "5b.png", compress_level=9)
    run("audit", "in", "-o", "out", "--class-folders", "--workers", "1", cwd=folder)
    return folder


def test_a_plan_says_what_decisions_change(audit):
    plain = json.loads(run("clean", "out", "--json", cwd=audit).stdout)
    assert plain["by_decision"] == {}
    assert "decision" not in run("clean", "out", cwd=audit).stdout
    for word, *names in [
        ("not_copies", "x/0.png", "x/0.bmp"),
        ("copies", "x/1.png", "x/2.png"),
        ("copies", "x/3.png", "x/3.bmp"),
        ("copies", "x/4.png", "y/4.bmp"),
        ("not_copies", "x/5.png", "x/5b.png"),
    ]:
        say(audit / "out", word, *(f"in/{name}" for name in names))
    printed = run("clean", "out", cwd=audit).stdout
    assert "by decision 1 image stays that would go and 1 image goes that would stay" in printed
    assert "3 decisions change nothing" in printed
    assert not too_wide(printed)
    made = json.loads(run("clean", "out", "--json", cwd=audit).stdout)
    assert made["decisions"] == 5
    assert made["by_decision"] == {
        "stay": 1,
        "go": 1,
        "unchanged": {"same": 1, "other": 1, "labels": 1},
    }
    assert made["splits"]["in"]["remove"] == plain["splits"]["in"]["remove"] == 4


def test_a_keeper_that_goes_all_the_same_changes_nothing(audit):
    # what is decided later counts more
    say(audit / "out", "keeper", "in/x/3.bmp")
    before = json.loads(run("clean", "out", "--json", cwd=audit).stdout)["by_decision"]
    say(audit / "out", "keeper", "in/x/3.png")
    after = json.loads(run("clean", "out", "--json", cwd=audit).stdout)["by_decision"]
    assert before["unchanged"]["same"] == 2
    assert (after["stay"], after["go"]) == (2, 2)


def test_copies_that_were_not_compared_stay_whatever_was_decided(tmp_path):
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name, np.full((40, 50), ord(name[0]), np.uint8))
    run("audit", "in", "-o", "out", "--hash", "pdq", "--workers", "1", cwd=tmp_path)
    say(tmp_path / "out", "copies", "in/a.png", "in/b.png")
    made = json.loads(run("clean", "out", "--json", cwd=tmp_path).stdout)
    assert made["by_decision"] == {"stay": 0, "go": 0, "unchanged": {"left_out": 1}}
    printed = " ".join(run("clean", "out", cwd=tmp_path).stdout.split())
    assert "masks, and images that were not compared, all stay" in printed
