"""What `calibrate` says to do next."""

import pytest

from fastphash.cli.output_calibrate import show_calibration

SUMMARY = {
    "hash": "dhash",
    "images": 9,
    "identical": 0,
    "equal": 0,
    "radius": 4,
    "pairs": 3,
    "decoys": 2,
    "needles": 9,
    "scores": [],
    "distances": [],
}


@pytest.mark.parametrize(
    ("recommended", "said"),
    [
        ((0.5, 4), "fastphash group 'a b' -o groups.parquet --radius 8 --min-score 0.50"),
        ((None, 4), "fastphash group 'a b' -o groups.parquet --no-verify --radius 4"),
        ((None, None), "fastphash calibrate 'a b' --precision 0.89"),
    ],
)
def test_it_ends_with_a_command(capsys, recommended, said):
    score, radius = recommended
    options = {"precision": 0.99, "min_score": score, "radius": 8, "unseen_radius": radius}
    show_calibration(SUMMARY | {"recommended": options}, "a b")
    assert said in capsys.readouterr().out.partition("What next")[2]
    show_calibration(SUMMARY | {"recommended": options}, "a b", named=True)
    shown = capsys.readouterr().out
    assert shown.startswith("Near pairs of a b by dhash")
    assert said.replace("'a b'", "'a b' --hash dhash") in shown
