"""Writes the table of benchmarks in README.md: the first sentence of each docstring.

Run it as ``python -m benchmarks.support.table``.
"""

import ast
import re
from pathlib import Path

FOLDER = Path(__file__).parents[1]
README = FOLDER / "README.md"
KINDS = ("speed", "accuracy")


def benchmark_names() -> list[str]:
    """Every benchmark, as ``speed.joins``."""
    return [
        f"{kind}.{path.stem}"
        for kind in KINDS
        for path in sorted((FOLDER / kind).glob("*.py"))
        if path.stem != "__init__"
    ]


def question(name: str) -> str:
    """The first sentence of a benchmark's docstring, which is a question."""
    path = FOLDER / f"{name.replace('.', '/')}.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    sentence, mark, _ = docstring.partition("?")
    assert mark, f"the docstring of {name} doesn't begin with a question"
    return " ".join(sentence.split()) + mark


def benchmark_table() -> str:
    rows = [
        f"| [{name}]({name.replace('.', '/')}.py) | {question(name)} |"
        for name in benchmark_names()
    ]
    return "\n".join(["| benchmark | question |", "| --- | --- |", *rows])


def main() -> None:
    text = README.read_text(encoding="utf-8")
    table = re.compile(r"^\| benchmark .*?(?=\n\n)", re.MULTILINE | re.DOTALL)
    README.write_text(table.sub(lambda _: benchmark_table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
