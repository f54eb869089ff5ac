"""Folders of a split that are named as splits are."""

import os

import pytest

from fastphash.sources.local import folder_source, list_source
from fastphash.sources.split_folders import find_split_folders, name_split_folders


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        (["train", "val"], ["train", "val"]),
        (["Training", "test_set", "notes"], ["Training", "test_set"]),
        (["train2017", "val2017", "annotations"], ["train2017", "val2017"]),
        (["images/train", "images/valid", "labels/train", "labels/valid"], ["train", "valid"]),
        (["train", "dev", "eval", "test"], ["dev", "eval", "test", "train"]),
        (["trainset", "valimgs", "test_split"], ["test_split", "trainset", "valimgs"]),
        (["train_dataset", "holdout"], ["holdout", "train_dataset"]),
        (["train", "contest", "latestset"], []),
        # a class of vehicles, and one kind of split alone
        (["bus", "train", "car"], []),
        (["train_1", "trainee", "testament", "valley", "restrain"], []),
        (["train", "train_2"], []),
        (["deep/er/train", "deep/er/val"], []),
        ([], []),
    ],
)
def test_folders_named_as_splits(tmp_path, folders, found):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "val.txt").touch()
    named = find_split_folders(folder_source(f"data={tmp_path}"))
    assert sorted(named) == sorted(found)
    assert all(os.path.isdir(path) for path in named.values())


def test_a_file_is_no_split_and_neither_is_a_list(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "val").touch()
    assert find_split_folders(folder_source(f"data={tmp_path}")) == {}
    assert find_split_folders(list_source("data", b"train/1.png\nval/2.png")) == {}


def test_folders_named_as_splits_in_words():
    said = name_split_folders("data", ["train", "val"])
    assert said.startswith("data holds train and val, and is audited as one split")
