import json
import os

import imagehash
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from fastphash import from_hex, to_hex
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.hashing.definition import FOREIGN, HASH_COLUMNS, parse_definition
from fastphash.ingest.api import hash_into
from fastphash.results.groups import group_rows
from fastphash.results.pairs import find_pairs
from fastphash.results.priority import order_splits, priority
from fastphash.store.convert import export_hashes, paper_groups, paper_matches
from fastphash.store.imports import import_hashes
from fastphash.store.open import check_comparable, read_hashes
from fastphash.store.rows import HashTable
from fastphash.store.store import open_store
from fastphash.verification.criteria import CopyCriteria
from tests.support.command_line import run
from tests.support.executors import ONE_WORKER
from tests.support.scenes import TRANSPOSES, save, scene, scenes, source
from tests.support.stores import hashes_of, read_store, write_hashes


def compute_hashes(folder):
    return [
        {"image_name": name, "hash": str(imagehash.phash(Image.fromarray(pixels(folder / name))))}
        for name in sorted(os.listdir(folder))
    ]


def compute_hashes_augmented(folder):
    table = []
    for name in sorted(os.listdir(folder)):
        image = Image.fromarray(pixels(folder / name))
        turned = [image, *(image.rotate(angle) for angle in (90, 180, 270))]
        turned += [image.transpose(how) for how in TRANSPOSES[3:5]]
        table += [{"image_name": name, "hash": str(imagehash.phash(one))} for one in turned]
    return table


def compare_hashes(needles, haystack):
    return [
        {
            "needle_image_name": needle["image_name"],
            "needle_image_hash": needle["hash"],
            "duplicates_in_haystack": [
                entry["image_name"] for entry in haystack if entry["hash"] == needle["hash"]
            ],
        }
        for needle in needles
    ]


def inspect_hashes(table):
    hashes, seen, unique = {}, set(), {}
    for entry in table:
        hashes.setdefault(entry["image_name"], set()).add(entry["hash"])
    for name, own in hashes.items():
        if name not in seen:
            unique[name] = [n for n in hashes if n not in seen | {name} and hashes[n] & own]
            seen |= {name, *unique[name]}
    return unique


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def write(path, table):
    path.write_text(json.dumps(table))
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Needles and a haystack of square pictures with copies, some of them turned."""
    folder = tmp_path_factory.mktemp("paper")
    for split, seeds in (("train", range(8)), ("val", range(6, 12))):
        for seed in seeds:
            for copy in range(seed % 3):
                save(folder / split / f"{seed}_{copy}.png", scene(seed, 64, 64))
            turned = [np.rot90, np.fliplr, np.flipud][seed % 3]
            save(folder / split / f"{seed}_turned.png", turned(scene(seed, 64, 64)))
    return folder / "train", folder / "val"


@pytest.fixture
def imported(folders, tmp_path):
    """imported(script): what the script makes of both folders, as (table, rows) of each."""

    def run(script):
        found = []
        for folder in folders:
            table = script(folder)
            path = write(tmp_path / f"{folder.name}.json", table)
            import_hashes(path, tmp_path / folder.name, split=folder.name, definition=FOREIGN)
            found.append((table, read_hashes(str(tmp_path / folder.name))))
        return found

    return run


def groups_of(rows):
    ranked = rows.take(priority(rows, order_splits(rows)))
    return paper_groups(rows, group_rows(ranked, CopyCriteria(0)).table())


def test_a_join_writes_what_compare_hashes_writes(imported):
    (train, train_rows), (val, val_rows) = imported(compute_hashes)
    pairs = find_pairs(val_rows, train_rows, CopyCriteria(0), 10**6, number_needles=True)
    matches = list(paper_matches(val_rows, pairs))
    assert matches == compare_hashes(val, train)
    assert 0 < sum(bool(match["duplicates_in_haystack"]) for match in matches) < len(val)


def test_a_join_in_pieces_of_any_size_is_written_alike(imported, monkeypatch):
    (_, train_rows), (_, val_rows) = imported(compute_hashes)

    def matches():
        pairs = find_pairs(val_rows, train_rows, CopyCriteria(24), 10**6, number_needles=True)
        return list(paper_matches(val_rows, pairs))

    whole = matches()
    assert max(len(entry["duplicates_in_haystack"]) for entry in whole) > 1
    monkeypatch.setattr("fastphash.results.pairs._TABLE_ROWS", 1)
    monkeypatch.setattr("fastphash.store.convert._ROWS_AT_ONCE", 2)
    assert matches() == whole


def test_needles_of_one_name_have_their_own_matches():
    hashes = np.array([1, 2, 1, 3], np.uint64)
    needles = pa.table({"path": ["a", "a", "b", "c"], "split": ["x"] * 4, "phash": hashes})
    rows = HashTable(needles, FOREIGN)
    pairs = find_pairs(rows, rows, CopyCriteria(0), 100, number_needles=True)
    found = [entry["duplicates_in_haystack"] for entry in paper_matches(rows, pairs)]
    assert found == [["a", "b"], ["a"], ["a", "b"], ["c"]]


def test_groups_are_what_inspect_hashes_writes(imported):
    for table, rows in imported(compute_hashes):
        unique = groups_of(rows)
        assert unique == inspect_hashes(table)
        assert list(unique) == list(inspect_hashes(table))
        assert any(unique.values())


def test_groups_of_augmented_tables_are_what_inspect_hashes_writes(imported):
    for table, rows in imported(compute_hashes_augmented):
        unique = groups_of(rows)
        assert unique == inspect_hashes(table)
        assert len(unique) < len(rows) - sum(map(len, groups_of_upright(rows).values()))


def groups_of_upright(rows):
    upright = rows.table.select(["split", "path", "phash"]).to_pydict()
    return groups_of(hashes_of(upright | {"phash": np.array(upright["phash"], np.uint64)}))


def test_an_image_named_six_times_is_one_row(imported, folders):
    (table, rows), _ = imported(compute_hashes_augmented)
    assert rows.table["path"].to_pylist() == sorted(os.listdir(folders[0]))
    assert rows.known == (0, 1, 2, 3, 4, 5)
    hashes = [int(from_hex(entry["hash"])) for entry in table]
    assert rows.hashes[:, :6].reshape(-1).tolist() == hashes


def test_an_image_named_once_is_a_row_without_orientations(imported):
    (table, rows), _ = imported(compute_hashes)
    assert rows.known == (0,)
    assert rows.table["path"].to_pylist() == [entry["image_name"] for entry in table]
    assert [to_hex(value) for value in rows.hashes[:, 0]] == [entry["hash"] for entry in table]
    assert set(rows.splits) == {"train"}
    assert rows.thumbnails is None


def test_an_empty_table_is_an_empty_store(tmp_path):
    path = write(tmp_path / "x.json", [])
    assert import_hashes(path, tmp_path / "s", split="x", definition=FOREIGN).rows == 0
    assert len(read_hashes(str(tmp_path / "s"))) == 0


GOOD = {"image_name": "a", "hash": "0123456789abcdef"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("text", "nor a list of image_name and hash"),
        ([GOOD, {"image_name": "b"}], r"entry 1 .*\{'image_name': 'b'\}"),
        ([{"hash": "0123456789abcdef"}], r"entry 0 .*\{'hash': '0123456789abcdef'\}"),
        ([GOOD, "b"], "entry 1 .*b"),
        ([GOOD | {"hash": "0123"}], "entry 0.*'0123'"),
        ([GOOD | {"hash": "0123456789abcdeg"}], "entry 0.*'0123456789abcdeg'"),
        ([GOOD | {"hash": 5}], "entry 0.*5"),
        ([GOOD | {"hash": None}], "entry 0.*None"),
        ([GOOD | {"hash": ["0123456789abcdef"]}], "entry 0.*0123456789abcdef"),
        ([GOOD, GOOD], "'a' is named 2 times"),
        ([GOOD] * 6 + [GOOD | {"image_name": "b"}], "'b' is named 1 times"),
        ([GOOD] * 7, "'a' is named 7 times"),
    ],
)
def test_json_that_is_not_the_papers_is_refused_and_quoted(tmp_path, table, message):
    path = write(tmp_path / "x.json", table)
    with pytest.raises(StoreError, match=message) as caught:
        import_hashes(path, tmp_path / "s", split="x", definition=FOREIGN)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_text_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("image_name,hash\n")
    with pytest.raises(StoreError, match="not JSON"):
        import_hashes(path, tmp_path / "s", split="x", definition=FOREIGN)
    assert not (tmp_path / "s").exists()


def test_a_table_is_not_imported_over_anything(tmp_path):
    path = write(tmp_path / "x.json", [GOOD])
    import_hashes(path, tmp_path / "s", split="x", definition=FOREIGN)
    before = read_store(tmp_path / "s")
    with pytest.raises(UsageError, match="is a store already"):
        import_hashes(path, tmp_path / "s", split="x", definition=FOREIGN)
    assert read_store(tmp_path / "s").equals(before)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A store of our own."""
    folder = scenes(tmp_path_factory.mktemp("ours") / "in", range(4))
    hash_into(folder.parent / "s", [source("all", folder)], ONE_WORKER)
    return folder.parent / "s"


@pytest.mark.parametrize("augmented", [False, True])
def test_a_store_goes_to_json_and_back(ours, tmp_path, augmented):
    rows = read_hashes(str(ours))
    number = export_hashes(rows, tmp_path / "x.json", augmented=augmented)
    assert number == (24 if augmented else 4)
    import_hashes(
        tmp_path / "x.json", tmp_path / "s", split="all", definition=parse_definition("imagehash")
    )
    back = read_hashes(str(tmp_path / "s"))
    known = range(6) if augmented else range(1)
    assert back.known == tuple(known)
    assert (back.hashes[:, known] == rows.hashes[:, known]).all()
    assert back.paths.to_pylist() == rows.paths.to_pylist()


def test_exported_entries_are_those_of_the_paper(ours, tmp_path):
    rows = read_hashes(str(ours))
    export_hashes(rows, tmp_path / "x.json", augmented=True)
    entries = json.loads((tmp_path / "x.json").read_text())
    assert [entry["image_name"] for entry in entries[::6]] == rows.table["path"].to_pylist()
    assert [int(entry["hash"], 16) for entry in entries] == rows.hashes[:, :6].ravel().tolist()


def test_names_that_are_not_utf8_go_to_json_and_back(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    os.rename(folder / "001.png", os.path.join(os.fsencode(folder), b"\xff.png"))
    hash_into(tmp_path / "ours", [source("all", folder)], ONE_WORKER)
    export_hashes(read_hashes(str(tmp_path / "ours")), tmp_path / "x.json")
    (entry,) = json.loads((tmp_path / "x.json").read_text())
    assert os.fsencode(entry["image_name"]) == b"\xff.png"
    import_hashes(tmp_path / "x.json", tmp_path / "s", split="all", definition=FOREIGN)
    assert read_hashes(str(tmp_path / "s")).paths.to_pylist() == [b"\xff.png"]


def test_orientations_that_are_not_there_are_not_exported(tmp_path):
    rows = hashes_of({"split": ["x"], "path": ["a"], "phash": np.zeros(1, np.uint64)})
    with pytest.raises(UsageError, match="no hashes of rotated and mirrored images"):
        export_hashes(rows, tmp_path / "x.json", augmented=True)
    assert not (tmp_path / "x.json").exists()


def test_a_parquet_file_is_imported_with_its_splits_and_orientations(ours, tmp_path):
    part = ours / "part-000000.parquet"
    import_hashes(part, tmp_path / "s", definition=parse_definition("imagehash"))
    table, theirs = read_store(tmp_path / "s"), read_store(ours)
    assert set(table["split"].to_pylist()) == {"all"}
    for name in HASH_COLUMNS:
        assert table[name].to_pylist() == theirs[name].to_pylist()


def test_a_split_that_is_named_is_that_of_all_rows(ours, tmp_path):
    part = ours / "part-000000.parquet"
    import_hashes(part, tmp_path / "s", split="mine", definition=parse_definition("imagehash"))
    assert set(read_store(tmp_path / "s")["split"].to_pylist()) == {"mine"}


def test_a_parquet_file_without_splits_is_given_one(tmp_path):
    path = write_hashes(tmp_path / "x.parquet", path=["a"], phash=np.array([7], np.uint64))
    assert import_hashes(path, tmp_path / "s", split="train", definition=FOREIGN).rows == 1
    assert open_store(tmp_path / "s").roots == {"train": ""}
    assert read_hashes(str(tmp_path / "s")).known == (0,)


def test_a_parquet_file_with_orientations_of_another_type_is_refused(tmp_path):
    columns = {"path": ["a"], "phash": np.array([7], np.uint64), "phash_rotate_90": ["no number"]}
    path = write_hashes(tmp_path / "x.parquet", **columns)
    with pytest.raises(StoreError, match="phash_rotate_90"):
        import_hashes(path, tmp_path / "s", split="x", definition=FOREIGN)
    assert not (tmp_path / "s").exists()


def test_only_what_was_vouched_for_joins_ours(ours, tmp_path):
    rows = read_hashes(str(ours))
    export_hashes(rows, tmp_path / "x.json")
    for name, definition in (("foreign", FOREIGN), ("vouched", parse_definition("imagehash"))):
        import_hashes(tmp_path / "x.json", tmp_path / name, split="x", definition=definition)
    vouched, foreign = (read_hashes(str(tmp_path / name)) for name in ("vouched", "foreign"))
    check_comparable(rows, vouched)
    check_comparable(foreign, foreign)
    for other in (rows, vouched):
        with pytest.raises(DefinitionError, match="convert --as"):
            check_comparable(foreign, other)


def test_names_that_two_splits_share_can_not_be_grouped_in_the_papers_form():
    columns = {"split": ["a", "b"], "path": ["x", "x"], "phash": np.zeros(2, np.uint64)}
    with pytest.raises(UsageError, match="'x' is in two splits"):
        groups_of(hashes_of(columns))


@pytest.mark.parametrize(("name", "bits"), [("dhash", 64), ("dhash", 256), ("whash", 256)])
def test_hex_of_any_hash_of_imagehash_joins_with_ours(tmp_path, name, bits):
    scenes(tmp_path / "train", range(3))
    hash_image = {"dhash": imagehash.dhash, "whash": imagehash.whash}[name]
    texts = {
        path.name: str(hash_image(Image.open(path), hash_size=round(bits**0.5)))
        for path in sorted((tmp_path / "train").iterdir())
    }
    rows = [{"image_name": path, "hash": text} for path, text in texts.items()]
    (tmp_path / "paper.json").write_text(json.dumps(rows))
    (tmp_path / "names.json").write_text(json.dumps(texts))
    lines = [f"{path},{text}\n" for path, text in texts.items()]
    (tmp_path / "table.csv").write_text("".join(["path,hex\n", *lines]))
    words = ("--hash", name, "--bits", str(bits))
    ours = name if bits == 64 else f"{name}_256"
    run("hash", "train=train", "-o", "ours", *words, "--workers", "1", cwd=tmp_path)
    for file in ("paper.json", "names.json", "table.csv"):
        columns = ("--columns", f"{ours}=hex") if file == "table.csv" else ()
        store = f"{file}.store"
        run("convert", file, store, *words, *columns, "--as", "imagehash", cwd=tmp_path)
        theirs = read_hashes(str(tmp_path / store))
        assert theirs.algorithm.name == ours
        assert to_hex(theirs.hashes[:, 0], bits=bits) == [*texts.values()]
        done = run("join", store, "ours", "-o", f"{file}.csv", "--json", cwd=tmp_path)
        assert json.loads(done.stdout)["pairs"] == 3
    run("convert", "ours", "back.json", *words, cwd=tmp_path)
    assert json.loads((tmp_path / "back.json").read_text()) == rows
    # JSON of names is imagededup's, unless somebody vouches for it
    run("convert", "names.json", "unknown", *words, cwd=tmp_path)
    assert str(read_hashes(str(tmp_path / "unknown")).definition).endswith("called imagededup")
    with pytest.raises(DefinitionError, match="called imagededup"):
        check_comparable(read_hashes(str(tmp_path / "unknown")), theirs)


def test_json_of_imagededup_holds_the_hash_that_is_named(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"x.jpg": "9fee256239984d71"}))
    words = ("join", "a.json", "b.json", "--json", "-o")
    for options, file in (((), "p.csv"), (("--hash", "dhash"), "d.csv")):
        assert json.loads(run(*words, file, *options, cwd=tmp_path).stdout)["pairs"] == 1
    run("convert", "a.json", "dhashes", "--hash", "dhash", cwd=tmp_path)
    found = json.loads(run("info", "dhashes", "--json", cwd=tmp_path).stdout)
    assert found["definition"] == "dhash, foreign, called imagededup"
    done = run("join", "dhashes", "b.json", "-o", "x.csv", status=1, cwd=tmp_path)
    assert "needles have dhash of 64 bits, the haystack phash of 64: hashes of diff" in done.stderr
    done = run(
        "convert", "a.json", "wide", "--hash", "dhash", "--bits", "256", status=1, cwd=tmp_path
    )
    assert "no row has a path and a hash" in done.stderr
