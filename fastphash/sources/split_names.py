"""Words that name splits: of training, of validation, of test."""

import re

TRAINING = ("train", "training")
VALIDATION = ("val", "valid", "validation", "dev", "devel", "holdout", "heldout")
TEST = ("test", "testing", "eval", "evaluation")
#: What may follow such a word without a sign between: testset, valimages.
ENDINGS = ("sets?", "splits?", "data", "images?", "imgs?")

_ENDING = re.compile(f"(?:{'|'.join(ENDINGS)})+$")


def split_words(name: str) -> set[str]:
    """The words of a split's name in small letters, without numbers and without `ENDINGS`.

    >>> sorted(split_words("train_testset-2017"))
    ['test', 'train']
    """
    words = re.findall(r"[a-z]+", name.casefold())
    return {_ENDING.sub("", word) for word in words} - {""}
