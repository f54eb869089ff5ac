"""The long description of a distribution: README.md, with links that don't need the files."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#")
# at GitHub, of the branch that is shown first
_PAGES, _FILES = "blob/HEAD", "raw/HEAD"


class LongDescription(MetadataHookInterface):
    """Sets ``readme``, which pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the long description to what pyproject.toml says."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": link_to(repository, text) if repository else without_links(text),
        }


def link_to(repository: str, text: str) -> str:
    """Markdown whose relative links and pictures are those of a repository."""
    start = repository.rstrip("/")

    def absolute(link: re.Match[str]) -> str:
        if _ELSEWHERE.match(link["target"]):
            return link[0]
        shown = _FILES if link["picture"] else _PAGES
        return f"{link['picture']}[{link['text']}]({start}/{shown}/{link['target']})"

    return _LINK.sub(absolute, text)


def without_links(text: str) -> str:
    """Markdown without pictures and links that need a repository; texts of links stay."""

    def plain(link: re.Match[str]) -> str:
        if _ELSEWHERE.match(link["target"]):
            return link[0]
        return "" if link["picture"] else link["text"]

    # a picture that was all of its paragraph leaves no gap
    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(plain, text))
