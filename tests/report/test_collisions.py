import numpy as np

from fastphash.report.collisions import find_collisions
from fastphash.results.audit_folder import open_audit
from fastphash.store.schema import Layout
from tests.support.report_pages import again, audited
from tests.support.scenes import save, scene


def flat(folder, *values):
    for value in values:
        save(folder / f"flat{value:03d}.png", np.full((40, 40), value, np.uint8))
    return folder


def names_of(pairs):
    return [[member.name for member in pair.members] for pair in pairs]


def collisions_of(out, most=12):
    return names_of(find_collisions(open_audit(out), most))


def test_a_few_pairs_for_each_hash(tmp_path):
    out = audited(tmp_path / "out", ("all", flat(tmp_path / "all", *range(60, 200, 20))))
    pairs = collisions_of(out)
    assert len(pairs) == 3
    assert len({first for first, _ in pairs}) == 1
    assert len({second for _, second in pairs}) == 3
    assert collisions_of(out, 2) == pairs[:2]


def test_pairs_across_splits_come_first(tmp_path):
    train = flat(tmp_path / "train", 0, 90)
    val = flat(tmp_path / "val", 180)
    out = audited(tmp_path / "out", ("train", train), ("val", val))
    pairs = collisions_of(out)
    across = [first.split != second.split for first, second in pairs]
    assert across == sorted(across, reverse=True)
    assert any(across)
    assert collisions_of(out, 0) == []


def test_copies_of_one_hash_are_no_collision(tmp_path):
    folder = tmp_path / "all"
    save(folder / "a.png", scene(1))
    save(folder / "a.bmp", scene(1))
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    out = audited(tmp_path / "out", ("all", folder))
    assert collisions_of(out) == []
    assert "Look at" not in (out / "report.html").read_text()


def test_pictures_of_files_that_are_gone_are_thumbnails(tmp_path):
    folder = flat(tmp_path / "all", 10, 100)
    out = audited(tmp_path / "out", ("all", folder))
    (folder / "flat010.png").unlink()
    found = again(out, tmp_path / "report.html")
    assert "thumbnail: the file is gone" in found.text


def test_without_thumbnails_nothing_is_shown(tmp_path):
    folder = flat(tmp_path / "all", 10, 100)
    out = audited(tmp_path / "out", ("all", folder), layout=Layout(thumbnails=False))
    assert "Look at" not in (out / "report.html").read_text()
