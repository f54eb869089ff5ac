"""README, CONTRIBUTING and docs/ agree with the code and with one another."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import click
import pyarrow as pa
import pytest

import fastphash
from fastphash.audits.query import QUERY_SCHEMA
from fastphash.clean.journal import JOURNAL_SCHEMA
from fastphash.clean.plan import PLAN_SCHEMA
from fastphash.clean.skipped import SKIPPED_SCHEMA
from fastphash.cli.main import main
from fastphash.evaluation.pair_tables import JUDGED_SCHEMA
from fastphash.files.empty_parquet import read_data
from fastphash.hashing.definition import Definition
from fastphash.labels.coco_check import REJECTED_ANNOTATIONS_SCHEMA
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA
from fastphash.results.audit_folder import SUMMARY
from fastphash.results.decisions import DECISIONS
from fastphash.results.schemas import FINDINGS_SCHEMA, GROUPS_SCHEMA, LEAKS_SCHEMA, PAIRS_SCHEMA
from fastphash.store.create import create_store
from fastphash.store.schema import REJECTED_SCHEMA, Layout, store_schema
from fastphash.store.store import MANIFEST
from tests.support.skipping import missing

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]

MOST_LINES = 150
SCHEMAS = {
    "part-*.parquet": store_schema(Definition(), Layout()),
    "rejected.parquet": REJECTED_SCHEMA,
    "leaks.parquet": LEAKS_SCHEMA,
    "groups.parquet": GROUPS_SCHEMA,
    "findings.parquet": FINDINGS_SCHEMA,
    "conflicts.parquet": CONFLICTS_SCHEMA,
    "rejected_annotations.parquet": REJECTED_ANNOTATIONS_SCHEMA,
    "pairs.parquet of join": PAIRS_SCHEMA,
    "plan.parquet": PLAN_SCHEMA,
    "moved.parquet": JOURNAL_SCHEMA,
    "skipped.parquet": SKIPPED_SCHEMA,
    "pairs.parquet of evaluate": JUDGED_SCHEMA,
}


def name_of(page):
    return str(page.relative_to(ROOT))


def read(page):
    return page.read_text(encoding="utf-8")


def headings(text):
    """Headings outside of blocks of code, each with its text up to the next one."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    parts = re.split(r"^#+ (.+)$", plain, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def anchors(text):
    for heading in headings(text):
        named = re.search(r"\{ #([\w-]+) \}", heading)
        plain = re.sub(r"[^\w\s-]", "", heading).strip().lower()
        yield named[1] if named else re.sub(r"[-\s]+", "-", plain)


def section(page, heading):
    found = {re.sub(r" \{.*\}$", "", title): text for title, text in headings(read(page)).items()}
    return found[heading]


def rows(text):
    """The cells of a section's tables, without headings and rules."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines if line[:3] != "---"]


def code(text):
    """Lines of code, in blocks and between backticks."""
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    without_blocks = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", without_blocks)


def options(command):
    found = [option for parameter in command.params for option in parameter.opts]
    found += [option for parameter in command.params for option in parameter.secondary_opts]
    return {*found, "--help", "-h"}


def test_readme_is_short():
    assert len(read(ROOT / "README.md").splitlines()) <= MOST_LINES


def test_readme_has_the_two_commands_that_ci_runs():
    blocks = re.findall(r"^```sh\n(.*?)^```", read(ROOT / "README.md"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    assert "fastphash demo" in blocks[0]
    assert "pytest" in blocks[1]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=name_of)
def test_lines_of_text_are_short(page):
    text = re.sub(r"^ *```.*?^ *```", "", read(page), flags=re.MULTILINE | re.DOTALL)
    # rows of tables and pictures can't be wrapped
    lines = [line for line in text.splitlines() if not line.startswith(("|", "!", "[!"))]
    assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings(page):
    text = read(page)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        there = page.parent / target if target else page
        assert there.exists(), link
        if anchor and there.suffix == ".md":
            assert anchor in anchors(read(there)), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_their_options_exist(page):
    for line in code(read(page)):
        for name, rest in re.findall(r"(?<!import )\bfastphash ([a-z]+)\b([^|;#]*)", line):
            assert name in main.commands, line
            used = set(re.findall(r"(?<=\s)--[a-z-]+", rest))
            assert used <= options(main.commands[name]), line


def test_options_named_alone_exist():
    benchmarks = "".join(read(path) for path in (ROOT / "benchmarks").rglob("*.py"))
    known = set(re.findall(r'"(--[a-z-]+)"', benchmarks)) | {"--version"}
    for command in main.commands.values():
        known |= options(command)
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        alone = {line.split()[0].split("=")[0] for line in code(read(page)) if line[:2] == "--"}
        assert alone <= known, page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_benchmarks_that_are_named_exist(page):
    named = re.findall(r"benchmarks[./](?:speed|accuracy)[./]\w+", read(page))
    scripts = [ROOT / (name.replace(".", "/") + ".py") for name in named]
    assert [script for script in scripts if not script.exists()] == []


@pytest.mark.parametrize("command", main.commands)
def test_the_reference_has_a_section_for_each_command(command):
    text = read(REFERENCE / "commands.md")
    assert f"(#fastphash-{command}) |" in text
    assert f"<!-- help: {command} -->" in section(REFERENCE / "commands.md", f"fastphash {command}")
    assert re.search(rf"`fastphash {command}\b", read(ROOT / "README.md"))


def test_help_of_a_command_holds_all_its_options():
    path = DOCS / "hooks" / "commands.py"
    spec = importlib.util.spec_from_file_location("commands_hook", path)
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    for name, command in main.commands.items():
        made = hook.on_page_markdown(f"a\n<!-- help: {name} -->\nb")
        assert made.startswith("a\n```text\nfastphash ")
        assert "\b" not in made
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"<code>{', '.join(sorted(parameter.opts, key=len))}" in made


@pytest.mark.parametrize("name", fastphash.__all__)
def test_the_reference_has_an_entry_for_each_public_name(name):
    assert re.search(rf"^::: fastphash\.{name}$", read(REFERENCE / "python.md"), re.MULTILINE)


@pytest.mark.parametrize("file", SCHEMAS)
def test_the_reference_names_every_column_with_its_type(file):
    table = rows(section(REFERENCE / "parquet.md", file))
    assert table[0] == ["column", "type", "meaning", "null when"]
    assert [row[:2] for row in table[1:]] == [
        [f"`{field.name}`", f"`{type_name(field.type)}`"] for field in SCHEMAS[file]
    ]
    assert all(len(row) == 4 and all(row) for row in table)


def type_name(kind):
    if pa.types.is_dictionary(kind):
        return f"dictionary<{kind.value_type}>"
    if pa.types.is_fixed_size_binary(kind):
        return f"fixed_size_binary({kind.byte_width})"
    return {"float": "float32"}.get(str(kind), str(kind))


def keys(heading):
    """Keys of the first table of a section."""
    text = section(REFERENCE / "json.md", heading).strip()
    first = text.split("\n\n")
    table = next(part for part in first if part.startswith("| key"))
    return [key for row in rows(table)[1:] for key in re.findall(r"`(\w+)`", row[0])]


def test_the_reference_names_the_keys_of_a_manifest(tmp_path):
    create_store(tmp_path / "store", Definition(), Layout())
    assert keys(MANIFEST) == list(json.loads(read_data(tmp_path / "store" / MANIFEST)))


def test_the_reference_names_the_keys_of_answers_to_queries():
    assert keys("query --json") == [name for name in QUERY_SCHEMA.names if name != "path_bytes"]


@pytest.mark.parametrize("file", [SUMMARY, DECISIONS, MANIFEST])
def test_the_reference_has_a_section_for_each_json_file(file):
    assert keys(file)


def test_the_architecture_names_every_package():
    text = read(DOCS / "architecture.md")
    packages = {path.parent.name for path in (ROOT / "fastphash").glob("*/__init__.py")}
    assert packages <= set(re.findall(r"^  (\w+)/? ", text, re.MULTILINE))


class Assets(HTMLParser):
    """What a page makes a browser load."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.found.append(given.get("src"))
        elif tag == "link":
            self.found.append(given.get("href"))


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    for package in ("mkdocs", "material", "mkdocstrings"):
        if importlib.util.find_spec(package) is None:
            missing(f"{package} isn't installed: pip install 'fastphash[docs]'")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) >= len(list(DOCS.rglob("*.md")))
    for page in pages:
        assets = Assets()
        assets.feed(read(page))
        assert [url for url in assets.found if url and re.match(r"(https?:)?//", url)] == []
    for style in tmp_path.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", read(style))
        assert "@import" not in read(style)
