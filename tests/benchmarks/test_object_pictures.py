"""The pictures and the figures of benchmarks/accuracy/object_pictures.py."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.accuracy.object_pictures import AccusedPair, print_accused, read_groups
from benchmarks.support.mixes import EDITS
from benchmarks.support.object_drawing import OBJECT_KINDS, draw_object
from benchmarks.support.object_pictures import (
    COPY_EDITS,
    ObjectPicture,
    object_pictures,
    write_object_pictures,
)
from tests.support.examples import slow_but


def test_an_edit_that_copies_go_through_needs_no_room_and_no_ground() -> None:
    edits = {edit.name: edit for edit in EDITS}
    assert all(edits[name].paste is None for name in COPY_EDITS)


@pytest.mark.parametrize("kind", slow_but(["bottle", "motorbike"], OBJECT_KINDS))
def test_shots_are_drawn_again_by_their_numbers_alone(kind: str) -> None:
    numbers = [(0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1)]
    drawn = [np.asarray(draw_object(kind, *number), np.int16) for number in numbers]
    assert np.array_equal(drawn[0], draw_object(kind, *numbers[0]))
    # another shot, another individual, another draw
    assert all(abs(drawn[0] - other).max() > 60 for other in drawn[1:])


def test_every_third_individual_has_a_second_shot_and_every_fifth_shot_a_copy(monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.support.object_pictures.OBJECT_KINDS", ["plane"])
    made = [one for one, _ in object_pictures(8, 0)]
    originals = [one for one in made if not one.edit]
    numbers = [(one.individual, one.shot) for one in originals]
    assert [pair for pair in numbers if pair[1]] == [(0, 1), (3, 1), (6, 1)]
    assert len(numbers) == 11
    copies = [one for one in made if one.edit]
    assert [copy.edit for copy in copies] == list(COPY_EDITS[:3])
    sources = {(one.individual, one.shot): one for one in originals}
    assert [numbers.index((copy.individual, copy.shot)) for copy in copies] == [0, 5, 10]
    assert all(copy.is_copy_of(sources[copy.individual, copy.shot]) for copy in copies)
    assert sum(one.is_copy_of(other) for one, other in pairwise(made)) == 3
    assert sources[0, 0].shows_same_thing_as(sources[0, 1])
    assert not sources[0, 0].is_copy_of(sources[0, 1])


def test_a_copy_is_found_if_it_is_accused_with_its_original(tmp_path) -> None:
    pictures = [
        ObjectPicture(f"{individual}-{edit}", "plane", individual, 0, edit)
        for individual in range(3)
        for edit in ("", "JPEG 50")
    ]
    # the original of the first pair goes, the second pair has a keeper of another individual
    rows = [
        ("0-JPEG 50", "keeper", None, None),
        ("0-", "copy", "0-JPEG 50", "near"),
        ("2-", "keeper", None, None),
        ("1-", "copy", "2-", "near"),
        ("1-JPEG 50", "copy", "2-", "exact"),
    ]
    names = ("path", "role", "keeper_path", "kind")
    table = pa.table([*map(pa.array, zip(*rows, strict=True))], names=names)
    pq.write_table(table, tmp_path / "groups.parquet")
    accused, copies = read_groups(tmp_path, pictures)
    assert [(pair.image.path, pair.keeper.path, pair.kind) for pair in accused] == [
        ("0-", "0-JPEG 50", "near"),
        ("1-", "2-", "near"),
        ("1-JPEG 50", "2-", "exact"),
    ]
    assert [(copy.image.path, copy.found) for copy in copies] == [
        ("0-JPEG 50", True),
        ("1-JPEG 50", False),
        ("2-JPEG 50", False),
    ]


def test_files_are_those_of_the_list(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.support.object_pictures.OBJECT_KINDS", ["shirt"])
    written = write_object_pictures(tmp_path, 2, 0)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg"))
    assert files == sorted(one.path for one in written)
    assert len(files) == 4


def test_accused_pairs_are_counted_by_what_they_show(capsys) -> None:
    def shot(individual: int, number: int) -> ObjectPicture:
        return ObjectPicture(f"{individual}-{number}", "plane", individual, number, "")

    pairs = [
        AccusedPair(shot(0, 0), shot(0, 0), "near"),
        AccusedPair(shot(0, 0), shot(0, 1), "near"),
        AccusedPair(shot(0, 0), shot(1, 0), "near"),
        AccusedPair(shot(2, 0), shot(2, 0), "exact"),
    ]
    print_accused("kind", pairs, lambda pair: pair.kind)
    cells = [line.strip("| ").split("|") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [[cell.strip() for cell in row] for row in cells] == [
        ["near", "3", "1", "1", "1", "33.3"],
        ["exact", "1", "1", "0", "0", "100.0"],
        ["ALL", "4", "2", "1", "1", "50.0"],
    ]
