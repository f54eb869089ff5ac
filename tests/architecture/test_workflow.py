"""The workflow of the public CI, held to README, pyproject.toml and .ci/run."""

import re
import tomllib

import pytest
import yaml

from tests.architecture.test_imports import PACKAGE

ROOT = PACKAGE.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# the systems of classifiers, as the labels of runners begin
RUNNERS = {"POSIX :: Linux": "ubuntu", "MacOS": "macos", "Microsoft :: Windows": "windows"}


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(text(".github/workflows/test.yml"))


def classified(start):
    """What classifiers name below a heading."""
    names = [c.removeprefix(f"{start} :: ") for c in PROJECT["classifiers"] if c.startswith(start)]
    assert names
    return names


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_it_runs_on_all_systems_and_versions(workflow):
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    # texts: YAML takes 3.10 for 3.1
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {"ubuntu-latest", "ubuntu-24.04-arm", "macos-latest", "windows-latest"} <= {
        *matrix["os"]
    }
    assert f">={matrix['python'][0]}" == PROJECT["requires-python"]


def test_it_tests_what_classifiers_name(workflow):
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert {*classified("Programming Language :: Python")} <= {*matrix["python"]}
    for system in classified("Operating System"):
        assert any(label.startswith(RUNNERS[system]) for label in matrix["os"])


def test_it_runs_what_readme_and_ci_run(workflow):
    readme = re.findall(r"^.*pytest -m 'not slow'$", text("README.md"), re.MULTILINE)
    run = commands(workflow["jobs"]["test"])
    assert len(readme) == 1
    assert readme[0] in run
    assert readme[0].replace("python3", "python").replace("/bin/", "/Scripts/") in run
    checks = re.findall(r"^\.venv/bin/(?:ruff|mypy).*$", text(".ci/run"), re.MULTILINE)
    assert len(checks) == 3
    assert {*checks} <= {*commands(workflow["jobs"]["lint"])}


def test_it_builds_what_ci_builds(workflow):
    builds = re.findall(r"^\.venv/bin/pytest .*tests/packaging$", text(".ci/run"), re.MULTILINE)
    assert len(builds) == 1
    install, tested = commands(workflow["jobs"]["distributions"])
    assert tested == builds[0]
    # without it these tests skip themselves
    assert "dist" in re.search(r"\.\[(.*)\]", install)[1].split(",")


def test_it_may_only_read(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        for step in job["steps"]:
            assert re.fullmatch(r"actions/[a-z-]+@v[0-9]+", step.get("uses", "actions/x@v1"))
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
