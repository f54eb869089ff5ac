"""Distributions are whole, and work without the checkout: .ci/run has a step for them."""

import email
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.skipping import missing

pytestmark = pytest.mark.slow
for needed in ("build", "hatchling", "pathspec", "twine"):
    pytest.importorskip(needed, reason="pip install 'fastphash[dist]'")

ROOT = Path(__file__).resolve().parents[2]
# bytes; the package's code is less than half of it
MOST_OF_A_WHEEL = 2 << 20
# of the tests of an sdist: those that read files of the checkout, and some of the package's
READERS = ("tests/architecture", "tests/hashing", "tests/benchmarks", "tests/labels")


def run(*words, cwd):
    """What a program prints, which is told nothing of this checkout."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """An sdist, and the wheel that is made from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), cwd=ROOT)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(distributions, tmp_path_factory):
    """The folder of an sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(distributions[0]) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def files_of_checkout():
    """Those that aren't ignored: a copy of a checkout has no history to ask."""
    from pathspec import PathSpec

    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = PathSpec.from_lines("gitignore", [*patterns, "/.git"])
    return {name for name in files_of(ROOT) if not ignored.match_file(name)}


def test_they_pass_the_check_of_the_index(distributions):
    said = run(sys.executable, "-m", "twine", "check", "--strict", *distributions, cwd=ROOT)
    assert said.count("PASSED") == 2


def test_an_sdist_is_the_checkout(unpacked):
    assert files_of(unpacked) - {"PKG-INFO"} == files_of_checkout()


def test_a_wheel_is_small_and_holds_the_package_alone(distributions):
    wheel = distributions[1]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    package = {name for name in names if name.startswith("fastphash/")}
    assert package == {name for name in files_of_checkout() if name.startswith("fastphash/")}
    assert "fastphash/py.typed" in package
    others = {name.split("/", 1)[1] for name in names if name not in package}
    assert others == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert wheel.stat().st_size < MOST_OF_A_WHEEL


def test_the_long_description_links_to_no_file_beside_it(distributions):
    with zipfile.ZipFile(distributions[1]) as archive:
        name = next(name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = metadata.get_payload()
    assert "fastphash demo" in text
    assert "](docs/" not in text
    assert "](CONTRIBUTING.md)" not in text


def lend_kernels(folder):
    """Give a copy of the checkout the machine code of its kernels, which takes a minute to make.

    numba takes it for that of a file of the same size and time.
    """
    kernels = Path("fastphash", "kernels")
    for path in (ROOT / kernels).glob("*.py"):
        copy = folder / kernels / path.name
        assert copy.read_bytes() == path.read_bytes()
        shutil.copystat(path, copy)
    (folder / kernels / "__pycache__").mkdir(exist_ok=True)
    for path in (ROOT / kernels / "__pycache__").glob("*.nb[ci]"):
        shutil.copy(path, folder / kernels / "__pycache__")


def test_an_sdist_passes_its_own_tests(unpacked):
    lend_kernels(unpacked)
    shared = ROOT.parent / "shared"
    if shared.is_dir():
        (unpacked.parent / "shared").symlink_to(shared.resolve())
    options = ["-m", "not slow and not browser", "-p", "no:cacheprovider"]
    said = run(sys.executable, "-m", "pytest", *options, *READERS, cwd=unpacked)
    assert " passed" in said


def test_a_wheel_does_the_main_job_in_an_empty_environment(distributions, tmp_path):
    if subprocess.run([sys.executable, "-m", "pip", "--version"], check=False).returncode:
        missing("no pip")
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    run("env/bin/pip", "install", "--quiet", distributions[1], cwd=tmp_path)
    said = run("env/bin/fastphash", "demo", cwd=tmp_path)
    assert "are also in train" in said
    where = run("env/bin/python", "-c", "import fastphash; print(fastphash.__file__)", cwd=tmp_path)
    assert where.startswith(f"{tmp_path.resolve()}/env/")
    # that of the sdist is the same, to the byte
    run("env/bin/pip", "wheel", "--quiet", "--no-deps", distributions[0], cwd=tmp_path)
    assert (tmp_path / distributions[1].name).read_bytes() == distributions[1].read_bytes()
