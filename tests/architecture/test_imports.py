import ast
import inspect
import subprocess
import sys
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

import fastphash

PACKAGE = Path(fastphash.__file__).parent

# the way of an image: a package imports only packages above it
PACKAGES = (
    "errors",
    "defaults",
    "base",
    "kernels",
    "files",
    "images",
    "hashing",
    "sources",
    "store",
    "ingest",
    "joins",
    "verification",
    "calibration",
    "looks",
    "groups",
    "external",
    "labels",
    "results",
    "report",
    "audits",
    "clean",
    "evaluation",
    "inspector",
    "cluster",
    "demo",
    "cli",
)

# which packages may import a library, or which modules of one package
USERS = {
    "PIL": {"images"},
    "cv2": {"looks.keypoints"},
    "simplejpeg": {"images.decode_jpeg"},
    "tifffile": {"images.tifffile_raster"},
    "pillow_heif": {"images.plugins"},
    "pillow_jxl": {"images.plugins"},
    "numba": {"kernels"},
    "pyarrow.parquet": {
        "clean.shards.parquet",
        "files.parquet",
        "files.row_groups",
        "sources.containers.parquet",
    },
    "obstore": {"sources.remote.client"},
    "filelock": {"store.lock"},
    "psutil": {"base.machine"},
    "importlib.metadata": {"base.versions"},
    "shapely": {"labels.overlaps"},
    "defusedxml": {"labels.voc"},
    "yaml": {"labels.yolo"},
    "jinja2": {"inspector", "report"},
    "starlette": {"inspector"},
    "uvicorn": {"inspector.connections", "inspector.server"},
    "pyspark": {"cluster.daemon", "cluster.session"},
    "click": {"cli"},
    "rich": {"cli", "base.progress_screen", "base.terminal"},
}


def module_of(path):
    """``joins.search`` of fastphash/joins/search.py."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def package_of(path):
    return module_of(path).split(".")[0]


@cache
def modules():
    paths = sorted(PACKAGE.rglob("*.py"))
    return [path for path in paths if path.parent != PACKAGE or not path.stem.startswith("__")]


def members(paths):
    """Packages, each with its modules: a case for each module would take longer than its check."""
    return {package: [*found] for package, found in groupby(paths, key=package_of)}


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path, *, with_types=True):
    """Everything that a module imports, in functions too, as dotted names."""
    return [name for name, for_types in all_imports(path) if with_types or not for_types]


@cache
def all_imports(path):
    """As above, and whether each is for types alone."""
    return [
        (name, for_types)
        for node, for_types in statements(parsed(path))
        for name in imported_names(path, node)
    ]


def statements(node, for_types=False):
    """All statements in a node, in functions too, and whether they are for types alone."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield inner, for_types
            only = isinstance(inner, ast.If) and ast.unparse(inner.test) == "TYPE_CHECKING"
            yield from statements(inner, for_types or only)


def imported_names(path, node):
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, f"{path}: a relative import"
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


def belongs_to(name, library):
    return name == library or name.startswith(f"{library}.")


def test_every_package_has_its_place():
    assert {package_of(path) for path in modules()} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_packages_above(package):
    names = {(path, name) for path in members(modules())[package] for name in imports(path)}
    for path, name in names:
        if belongs_to(name, "fastphash"):
            other = name.split(".")[1]
            allowed = other == package or PACKAGES.index(other) < PACKAGES.index(package)
            assert allowed, (module_of(path), name)


def test_modules_of_a_package_form_no_circle():
    above = {module_of(path): imported_modules(path) for path in modules()}
    while leaves := {module for module, others in above.items() if not others & above.keys()}:
        above = {module: others for module, others in above.items() if module not in leaves}
    assert not above


def imported_modules(path):
    """Modules that are imported before any of this module's functions runs."""
    names = set()
    for node in parsed(path).body:
        if isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
    return {name.removeprefix("fastphash.") for name in names} - {module_of(path)}


@pytest.mark.parametrize("library", USERS)
def test_a_library_has_one_user(library):
    users = {
        module_of(path)
        for path in modules()
        if any(belongs_to(name, library) for name in imports(path, with_types=False))
    }
    strangers = {user for user in users if not any(belongs_to(user, own) for own in USERS[library])}
    assert not strangers
    assert users


def test_pillow_is_known_for_its_types_where_images_are_given_alone():
    users = {
        module_of(path) for path in modules() if any(belongs_to(n, "PIL") for n in imports(path))
    }
    assert {user for user in users if not belongs_to(user, "images")} == {"hashing.given"}


@pytest.mark.parametrize("module", ["errors.py", "defaults.py", "base/vocabulary.py"])
def test_the_first_modules_import_nothing_of_the_package(module):
    assert not [n for n in imports(PACKAGE / module) if belongs_to(n, "fastphash")]


def test_importing_the_package_is_light():
    heavy = [
        "numpy",
        "numba",
        "pyarrow",
        "scipy",
        "PIL",
        "cv2",
        "filelock",
        "psutil",
        "rich",
        "click",
    ]
    code = f"import sys, fastphash; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_audit_is_looked_at_without_kernels():
    code = "import sys, fastphash.inspector.review\nsys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_info_prints_is_worded_without_kernels():
    code = "import sys, fastphash.cli.output_hash\nsys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_imports_nothing_heavy():
    code = (
        "import sys, fastphash.cli.main; print([m for m in ('numpy', 'numba', 'pyarrow', 'cv2') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", fastphash.__all__)
def test_every_public_name_is_there_and_explained(name):
    value = getattr(fastphash, name)
    assert name in dir(fastphash)
    if not callable(value):
        return
    assert inspect.getdoc(value)
    public = [m for key, m in vars(value).items() if not key.startswith("_")]
    assert all(inspect.getdoc(m) for m in public if inspect.isfunction(m))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'fastphash' has no attribute 'phashes'"):
        _ = fastphash.phashes
