import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_faults_names_every_test_and_no_other():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    for number, tests in rows:
        assert re.findall(r"`test_(\d\d)_", tests) == [f"{int(number):02d}"] * tests.count("test_")
    listed = [name for _, tests in rows for name in re.findall(r"`(\w+)`", tests)]
    files = sorted((ROOT / "tests" / "faults").glob("test_*.py"))
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert sorted(listed) == sorted(re.findall(r"^def (test_\w+)\(", code, re.MULTILINE))


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_modules_that_documents_name_are_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    packages = {path.parent.name for path in (ROOT / "fastphash").glob("*/__init__.py")}
    named = {
        f"{package}/{module}"
        for package, module in re.findall(r"`([a-z]+)[./]([a-z_]+)(?:\.py)?`", text)
        if package in packages and module != "html"
    }
    assert named
    assert [module for module in named if not (ROOT / "fastphash" / f"{module}.py").exists()] == []
