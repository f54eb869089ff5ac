"""Report pages taken apart, and audits worth a report."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from fastphash import phash
from fastphash.audits.run import audit
from fastphash.ingest.options import IngestOptions
from fastphash.report.page import write_report
from fastphash.results.audit_folder import open_audit
from fastphash.sources.local import folder_source
from tests.support.scenes import planted, save, scene, source

#: Names of files that would like to be more than that, and how a page shows them.
HOSTILE = {
    b"<script>alert(1)<": "<script>alert(1)<",
    b'"><img src=x onerror=alert(1)>': '"><img src=x onerror=alert(1)>',
    b"' onmouseover='alert(1)": "' onmouseover='alert(1)",
    b"=cmd|'calc'!A1": "=cmd|'calc'!A1",
    b"{{ 7 * 7 }}{% raw %}": "{{ 7 * 7 }}{% raw %}",
    b"&lt;b&gt;&amp;&#60;": "&lt;b&gt;&amp;&#60;",
    b"<!-- ]]>": "<!-- ]]>",
    b"-leading": "-leading",
    b"photo\xe2\x80\xaegnp.exe": r"photo\u202egnp.exe",
    b"\xe2\x81\xa6isolated\xe2\x80\x8b": r"\u2066isolated\u200b",
    b"two\nlines\r\x1b[31mred\x07": r"two\nlines\r\x1b[31mred\x07",
    b"caf\xe9 \xff\xfe": r"caf\xe9 \xff\xfe",
    "שלום".encode(): "שלום",
    "日本 é 🙂".encode(): "日本 é 🙂",
}


class Page(HTMLParser):
    """A page taken apart.

    Attributes
    ----------
    tags : list of (str, dict)
        Every element with its attributes, in order.
    text : str
        All text but of style and script, white space as one space.
    groups : list of Page
        The groups with pictures.
    """

    _SILENT = ("style", "script")
    _INLINE = ("b", "bdi", "code", "span", "strong")

    def __init__(self, html):
        super().__init__()
        self.html = html
        self.tags = []
        self.silent = {name: [] for name in self._SILENT}
        self._pieces = []
        self._open = None
        self.feed(html)
        self.text = " ".join("".join(self._pieces).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self._INLINE:
            self._pieces.append(" ")
        self._open = tag if tag in self._SILENT else None

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        self.silent[self._open].append(data) if self._open else self._pieces.append(data)

    @property
    def groups(self):
        return [Page(html) for html in re.findall(r"<article.*?</article>", self.html, re.DOTALL)]

    def attributes(self, tag, name):
        """The values of an attribute of all elements of a name."""
        return [
            attributes[name]
            for found, attributes in self.tags
            if found == tag and name in attributes
        ]


def read_page(path):
    """A report taken apart."""
    return Page(path.read_text(encoding="utf-8"))


def audited(out, *splits, **options):
    """Audit folders, each SPLIT=FOLDER or a pair of them, with options of ingest; the folder."""
    sources = [folder_source(s) if isinstance(s, str) else source(*s) for s in splits]
    audit(out, sources, ingest=IngestOptions(**({"workers": 1} | options)))
    return out


def planted_audit(folder):
    """Every kind of copy but near, flat pictures that collide, and a rejected file."""
    return audited(folder / "out", *planted(folder))


def hostile_audit(folder):
    """A group for each hostile name, in splits of hostile names, with a near copy as well."""
    # names of splits are printable, and have none of = @ , /
    splits = {'"><script>alert(1)<': folder / "a", "<b>val & 'val'": folder / "b"}
    for seed, name in enumerate(HOSTILE):
        for root in splits.values():
            # only as bytes can all of them be said
            path = bytes(root) + b"/" + name + b".png"
            root.mkdir(parents=True, exist_ok=True)
            made = save(root / "new.png", scene(seed))
            made.rename(path.decode("utf-8", "surrogateescape"))
    deep = folder / "a" / "<" / "script><script>alert(1)<" / "script>.png"
    save(deep, scene(0))
    save(folder / "a" / "near.png", slightly(scene(0)))
    (folder / "a" / "<i>broken<.jpg").write_text("no image")
    return audited(folder / "out", *splits.items())


def slightly(pixels):
    """The same picture, brighter in a corner: 1 to 4 bits of its hash away."""
    height, width = pixels.shape[:2]
    for levels in range(5, 120, 5):
        changed = pixels.astype(int)
        changed[: height // 3, : width // 3] += levels
        changed = np.clip(changed, 0, 255).astype(np.uint8)
        if 1 <= int(phash(changed) ^ phash(pixels)).bit_count() <= 4:
            return changed
    raise AssertionError("no such picture")


def again(out, target, **options):
    """The report of an audit, written once more, taken apart."""
    write_report(open_audit(out), target, **options)
    return read_page(target)


def pixels(uri):
    """The picture of a data URI, uint8 (h, w, 3)."""
    assert uri.startswith("data:image/jpeg;base64,")
    data = base64.b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)


def sources_of(page):
    """Data URIs of all pictures, by what their texts say."""
    return {tag["alt"]: tag["src"] for name, tag in page.tags if name == "img"}
