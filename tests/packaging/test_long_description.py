"""README as an index shows it."""

import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="pip install 'fastphash[dist]'")

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = "https://example.org/someone/fastphash"
PAGES, RAW = f"{REPOSITORY}/blob/HEAD", f"{REPOSITORY}/raw/HEAD"
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)]+)\)")


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def described(hook, **metadata):
    hook.LongDescription(str(ROOT), {}).update(metadata)
    assert metadata["readme"]["content-type"] == "text/markdown"
    return metadata["readme"]["text"]


def test_links_and_pictures_lead_to_the_repository(hook):
    text = described(hook, urls={"Repository": f"{REPOSITORY}/"})
    there = LINK.findall(README)
    shown = LINK.findall(text)
    assert any(picture for picture, _ in there)
    assert len(shown) == len(there)
    for (picture, target), (still, absolute) in zip(there, shown, strict=True):
        assert picture == still
        if re.match("https?:|#", target):
            assert absolute == target
        else:
            assert absolute == f"{RAW if picture else PAGES}/{target}"
            assert (ROOT / target.partition("#")[0]).exists()


def test_without_a_repository_nothing_leads_nowhere(hook):
    text = described(hook)
    assert LINK.findall(text)
    assert all(re.match("https?:|#", target) for _, target in LINK.findall(text))
    # what links said stays
    assert "Your first audit: five minutes" in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("text", "absolute", "plain"),
    [
        ("[a](b.md#c)", f"[a]({PAGES}/b.md#c)", "a"),
        ("x\n\n![a: b](c/d.png)\n\ny", f"x\n\n![a: b]({RAW}/c/d.png)\n\ny", "x\n\ny"),
        ("[`a`\nb](c)", f"[`a`\nb]({PAGES}/c)", "`a`\nb"),
        *((same, same, same) for same in ("[a](#b)", "[a](http://b.c)", "a[0](1, 2)")),
    ],
)
def test_links(hook, text, absolute, plain):
    assert hook.link_to(REPOSITORY, text) == absolute
    assert hook.without_links(text) == plain
