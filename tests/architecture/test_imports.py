import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import fastphash

PACKAGE = Path(fastphash.__file__).parent

# a room imports only rooms of lines above its own; those of one line stand beside one another
ROOMS = [
    ("errors", "words"),
    ("kernels", "threads", "measures"),
    ("images",),
    ("tables",),
    ("plot",),
    ("elements",),
    ("discover",),
    ("thumbnail",),
    ("hashing",),
    ("store",),
    ("hashes",),
    ("supervise",),
    ("workers",),
    ("ingest",),
    ("plans",),
    ("near",),
    ("joins",),
    ("likeness",),
    ("verify", "chance"),
    ("groups",),
    ("results",),
    ("calibrate",),
    ("coco",),
    ("labels",),
    ("audited",),
    ("decisions", "truth"),
    ("moving", "clean"),
    ("apply",),
    ("report",),
    ("audit", "evaluate", "query"),
    ("convert",),
    ("inspector",),
    ("demo",),
    ("screen",),
    ("options",),
    ("cli",),
]
LINE = {room: line for line, rooms in enumerate(ROOMS) for room in rooms}

# workers sets OpenCV's threads
USERS = {
    "PIL": {"images"},
    "cv2": {"images", "workers"},
    "pyarrow.parquet": {"tables"},
    "click": {"options", "cli"},
    "rich": {"screen"},
    "shapely": {"labels"},
    "filelock": {"store"},
    "starlette": {"inspector"},
    "uvicorn": {"inspector"},
    "numba": {"kernels"},
    "jinja2": {"inspector", "report"},
}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules():
    paths = sorted(PACKAGE.rglob("*.py"))
    return [path for path in paths if path.parent != PACKAGE or not path.stem.startswith("__")]


def imports(path, *, with_types=True):
    """Everything that a module imports, in functions too, as dotted names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types and not with_types:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def belongs_to(name, library):
    return name == library or name.startswith(f"{library}.")


def test_every_module_has_its_place():
    assert {room_of(path) for path in modules()} == LINE.keys()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_above(path):
    room = room_of(path)
    for name in imports(path):
        if belongs_to(name, "fastphash"):
            other = name.split(".")[1]
            assert other == room or LINE[other] < LINE[room], f"{room} imports {other}"


@pytest.mark.parametrize("library", USERS)
def test_a_library_has_one_user(library):
    users = {
        room_of(path)
        for path in modules()
        if any(belongs_to(name, library) for name in imports(path, with_types=False))
    }
    assert users == USERS[library]


def test_pillow_is_known_for_its_types_to_phash_alone():
    users = {
        room_of(path) for path in modules() if any(belongs_to(n, "PIL") for n in imports(path))
    }
    assert users == {"images", "hashing"}


@pytest.mark.parametrize("room", ["errors", "words"])
def test_the_first_rooms_import_nothing_of_the_package(room):
    assert not [n for n in imports(PACKAGE / f"{room}.py") if belongs_to(n, "fastphash")]


def test_importing_the_package_is_light():
    heavy = ["numpy", "numba", "pyarrow", "scipy", "PIL", "cv2", "filelock", "rich", "click"]
    code = f"import sys, fastphash; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_imports_nothing_heavy():
    code = (
        "import sys, fastphash.cli; print([m for m in ('numpy', 'numba', 'pyarrow', 'cv2') "
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
