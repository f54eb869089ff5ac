from dataclasses import replace

from fastphash.report.page import write_report
from fastphash.results.audit_folder import open_audit
from fastphash.store.schema import Layout
from tests.support.report_pages import audited, read_page, slightly
from tests.support.scenes import save, scene, scenes


def test_nothing_found(tmp_path):
    out = audited(
        tmp_path / "out",
        ("train", scenes(tmp_path / "train", range(5))),
        ("val", scenes(tmp_path / "val", range(10, 14))),
    )
    found = read_page(out / "report.html")
    assert "No leak found: no image of one split was found in another." in found.text
    assert "There are none: nothing to look at." in found.text
    assert "Every image gave a hash." in found.text
    assert "form" not in {tag for tag, _ in found.tags}


def test_one_split_with_copies(tmp_path):
    folder = scenes(tmp_path / "all", range(4))
    save(folder / "copy.bmp", scene(2))
    found = read_page(audited(tmp_path / "out", ("all", folder)) / "report.html")
    assert "1 of 5 all images (20.0 %) is a copy of another image of the same split." in found.text
    assert "There is one split: nothing can leak." in found.text
    assert "across" not in found.text


def test_one_split_without(tmp_path):
    out = audited(tmp_path / "out", ("all", scenes(tmp_path / "all", range(4))))
    assert "No copies found among the 4 images of all." in read_page(out / "report.html").text


def test_twelve_splits(tmp_path):
    splits = [(f"part {i}", scenes(tmp_path / f"{i}", [0, i + 1])) for i in range(12)]
    found = read_page(audited(tmp_path / "out", *splits) / "report.html")
    assert found.text.count("50.0 % 1 of 2") == 132
    assert "All 66 pairs of splits have images in common." in found.text
    assert "120 further leaks are in summary.json." in found.text


def test_a_near_copy_is_a_doubt(tmp_path):
    train = scenes(tmp_path / "train", range(3))
    save(tmp_path / "val" / "near.png", slightly(scene(1)))
    out = audited(tmp_path / "out", ("train", train), ("val", tmp_path / "val"))
    found = read_page(out / "report.html")
    assert "Look at the near copies before you trust a test score." in found.text
    assert "1 of 1 val image (100 %) is near one in train, at most 16 bits away" in found.text
    assert "and the thumbnails score at least 0.5: it is probably a copy" in found.text
    said = {"min_score": 0.0, "chance": 12_345.6}
    audit = open_audit(out)
    write_report(replace(audit, summary=audit.summary | said), tmp_path / "all.html")
    page = read_page(tmp_path / "all.html")
    assert "however unlike it looks: it may be no copy" in page.text
    assert "by chance, about 12,000 other images are that near" in page.text
    assert "all within the radius, however unlike, unless their colours differ" in page.text


def test_without_thumbnails_nothing_can_tell(tmp_path):
    train, val = scenes(tmp_path / "train", [1]), tmp_path / "val"
    save(val / "alike.bmp", scene(1) ^ (scene(1) == scene(1).max()))
    layout = Layout(thumbnails=False, orientations=False)
    out = audited(tmp_path / "out", ("train", train), ("val", val), layout=layout)
    found = read_page(out / "report.html")
    assert "Without thumbnails, it is unclear whether images leak." in found.text
    assert "rotated and mirrored copies are not looked for" in found.text
    save(train / "alike.bmp", scene(1) ^ (scene(1) == scene(1).max()))
    found = read_page(audited(tmp_path / "one", ("all", train), layout=layout) / "report.html")
    assert "Without thumbnails, it is unclear whether images are copies." in found.text
    assert "1 image has the hash of another one." in found.text
    assert "nothing can tell whether they are copies: 1 image in all" in found.text
    assert "differ" not in found.text


def test_images_without_a_hash_are_not_counted_as_images(tmp_path):
    folder = scenes(tmp_path / "all", range(4))
    for name in ("a.png", "b.png"):
        (folder / name).write_text("no image")
    found = read_page(audited(tmp_path / "out", ("all", folder)) / "report.html")
    assert "images hashed 4 " in found.text
    assert "rejected 2 " in found.text
