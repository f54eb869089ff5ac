"""Windows that an audit compares."""

import numpy as np
import pytest
from PIL import Image

from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.errors import UsageError
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.store.schema import Layout
from tests.support.scenes import save, source

TINTS = ((1, 0.4, 0.4), (0.4, 1, 0.4), (0.4, 0.4, 1))


@pytest.fixture
def picture():
    """Blots of grey, uint8 (240, 320, 3)."""
    blots = np.random.default_rng(5).integers(40, 256, (9, 12), np.uint8)
    grey = np.asarray(Image.fromarray(blots).resize((320, 240), Image.BICUBIC))
    return np.repeat(grey[..., None], 3, axis=2)


def leaks_of(tmp_path, *, orientations=True, **options):
    sources = [source(name, tmp_path / name) for name in ("train", "val")]
    out = tmp_path / "out"
    ingest = IngestOptions(layout=Layout(orientations=orientations), workers=1)
    audit(out, sources, AuditOptions(looks=0, **options), ingest)
    rows = open_audit(out).leaks.to_pylist()
    return {row["needle_path"]: row for row in rows if row["needle_split"] == "val"}


def cropped(pixels):
    return pixels[24:216, 32:288]


def test_each_crop_finds_the_picture_in_its_own_colour(tmp_path, picture):
    for i, tint in enumerate(TINTS):
        tinted = (picture * tint).astype(np.uint8)
        save(tmp_path / "train" / f"{i}.png", tinted)
        # names in the opposite order
        save(tmp_path / "val" / f"{9 - i}.png", cropped(tinted))
    leaks = leaks_of(tmp_path)
    found = {path: (row["kind"], row["haystack_path"]) for path, row in leaks.items()}
    assert found == {f"{9 - i}.png": ("cropped", f"{i}.png") for i in range(3)}


@pytest.mark.parametrize("orientations", [True, False])
def test_mirrored_crops_are_found_where_orientations_are(tmp_path, picture, orientations):
    save(tmp_path / "train" / "a.png", picture)
    save(tmp_path / "val" / "same.png", cropped(picture))
    save(tmp_path / "val" / "mirrored.png", cropped(picture)[:, ::-1])
    leaks = leaks_of(tmp_path, orientations=orientations)
    assert sorted(leaks) == (["mirrored.png", "same.png"] if orientations else ["same.png"])
    assert leaks["same.png"]["window_of"] == "haystack"


def test_no_views_find_no_crops(tmp_path, picture):
    save(tmp_path / "train" / "a.png", picture)
    save(tmp_path / "val" / "b.png", cropped(picture))
    assert leaks_of(tmp_path, views="none") == {}
    assert leaks_of(tmp_path, views="centre")["b.png"]["kind"] == "cropped"
    with pytest.raises(UsageError, match="no `views` 'some': use one of none, centre, all"):
        AuditOptions(views="some")
