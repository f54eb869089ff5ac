import compileall
import contextlib
import functools
import gc
import importlib
import io
import pkgutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fastphash
from fastphash import kernels
from tests.support import browser
from tests.support.compiling import compiled_by_two
from tests.support.disks import write_into_memory
from tests.support.examples import PROFILES, settings
from tests.support.skipping import missing

if sys.platform == "win32":
    # faults are provoked by signals, limits and strace
    collect_ignore_glob = ["faults/*"]

for name, number in PROFILES.items():
    settings.register_profile(
        name, deadline=None, derandomize=True, database=None, max_examples=number
    )
settings.load_profile("fast")

# looking there for doctests would import it, and make this process another system
collect_ignore = ["support/like_windows"]


def pytest_addoption(parser):
    """How much a campaign of random signals tries, and how large an audit on a cluster is."""
    group = parser.getgroup("fastphash")
    group.addoption("--signals", type=int, default=9, help="signals at random moments, in all")
    group.addoption("--seed", type=int, default=42, help="seed of the random moments")
    group.addoption(
        "--cluster-images",
        type=int,
        default=300,
        help="images of an audit whose executor is killed, besides a copy of every ninth",
    )


def pytest_configure(config):
    """What is done once, before processes are started that each would do it."""
    # where Python is told not to, every process of a test would compile all that it imports
    sys.dont_write_bytecode = False
    if not hasattr(config, "workerinput"):
        write_into_memory()
        compile_package()


def pytest_collection(session):
    """Import all tests, if all are to run, and each of several processes begins elsewhere.

    What one of them has compiled, with its assertions rewritten, the others find. Here warnings are
    errors already.
    """
    if hasattr(session.config, "workerinput") and "tests" in session.config.args:
        import_modules(tests_to_import(session.config.workerinput))


def pytest_collection_finish():
    """Look for garbage only in what comes after: what is collected stays."""
    gc.freeze()


def tests_to_import(worker):
    """Names of all modules of tests; the first one depends on the number of the worker."""
    root = Path(__file__).parents[1]
    paths = sorted(path.relative_to(root) for path in root.glob("tests/**/test_*.py"))
    names = [".".join(path.with_suffix("").parts) for path in paths]
    first = int(worker["workerid"].removeprefix("gw")) * len(names) // worker["workercount"]
    return names[first:] + names[:first]


def import_modules(names):
    """Import them; one that can't be imported is pytest's to tell of."""
    for name in names:
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


def compile_package():
    """Compile all modules and all kernels, on two cores.

    A test whose process may write no large file, or has little time, needs kernels compiled too.
    """
    names = [module.name for module in pkgutil.iter_modules(kernels.__path__, "fastphash.kernels.")]
    with compiled_by_two(names):
        compileall.compile_dir(Path(fastphash.__file__).parent, quiet=2)


def pytest_collection_modifyitems(items):
    """Mark what needs a browser, and campaigns as slow, and put the longest tests first."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
        if item.get_closest_marker("campaign") and not item.get_closest_marker("slow"):
            item.add_marker("slow")
    # a long one among the last would leave the other processes with nothing to do
    items.sort(key=told_seconds, reverse=True)


def told_seconds(item):
    """What ``slow(seconds=...)`` says of a test."""
    mark = item.get_closest_marker("slow")
    return mark.kwargs.get("seconds", 0) if mark else 0


@pytest.fixture(scope="session")
def shared():
    """Images of other people, beside the repository; none of them is needed."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        missing(f"no {folder}")
    return folder


@functools.lru_cache(maxsize=300)
def _made_photo(height, width, seed, channels):
    rng = np.random.default_rng(seed)
    y, x = np.arange(height) / max(height, width), np.arange(width) / max(height, width)
    layers = []
    for _ in range(channels):
        shade = rng.normal(0, 5, (height, width))
        fy, fx, phase = rng.uniform(-20, 20, (10, 3)).T
        strength = 40 / (1 + np.hypot(fy, fx) / 8)
        # cos(fy * y + fx * x + phase), without a cosine for each pixel
        down, across = np.outer(y, fy) + phase, np.outer(fx, x)
        shade += (strength * np.cos(down)) @ np.cos(across)
        shade -= (strength * np.sin(down)) @ np.sin(across)
        layers.append(np.clip(shade + 128, 0, 255).astype(np.uint8))
    return layers[0] if channels == 1 else np.stack(layers, axis=-1)


def _photo(height, width, seed=0, channels=3):
    return _made_photo(height, width, seed, channels).copy()


@pytest.fixture(scope="session")
def photo():
    """photo(height, width, seed, channels): waves of many lengths with fine noise on them."""
    return _photo


def _pictures():
    ramp = np.linspace(0, 255, 90).astype(np.uint8)
    checks = (np.indices((64, 64)).sum(axis=0) // 8 % 2 * 255).astype(np.uint8)
    half = np.zeros((50, 70), np.uint8)
    half[:, 35:] = 200
    return {
        "photo": _photo(120, 160, 1),
        "tall photo": _photo(400, 90, 2),
        "grey photo": _photo(97, 101, 3, channels=1),
        "noise": np.random.default_rng(4).integers(0, 256, (80, 60, 3), np.uint8),
        "gradient across": np.tile(ramp, (60, 1)),
        "gradient down": np.tile(ramp[:, None], (1, 60)),
        "flat": np.full((40, 40), 77, np.uint8),
        "black": np.zeros((33, 31, 3), np.uint8),
        "two-tone": half,
        "checks": checks,
        "symmetric": np.minimum(checks, checks.T) // 2 + np.add.outer(ramp[:64], ramp[:64]) // 4,
        "one row": _photo(1, 300, 5),
        "one column": _photo(300, 1, 6),
        "one pixel": np.full((1, 1, 3), (9, 200, 30), np.uint8),
        "thumbnail": _photo(32, 32, 7, channels=1),
        "needle": _photo(3300, 20, 8, channels=1),
    }


_PICTURES = _pictures()


@pytest.fixture(params=_PICTURES)
def picture(request):
    """Each of the awkward and ordinary images in turn: uint8 (h, w) or (h, w, 3)."""
    return _PICTURES[request.param]


@pytest.fixture(scope="session")
def encoded():
    """encoded(pixels or PIL image, format, **options): bytes of a file."""

    def encode(image, name, **options):
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        buffer = io.BytesIO()
        image.save(buffer, name, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium."""
    path = browser.chromium_path()
    if path is None or not browser.AXE.is_file() or not find_spec("playwright"):
        missing(f"no browser to look at pages with: {browser.NEEDED}", browser=True)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # as root there is no sandbox
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(chromium):
    """open_page(url, origin=, width=, dark=, javascript=): a page that may do nothing wrong."""
    pages = browser.Pages(chromium)
    yield pages.open
    pages.close()
