"""JSON documents of every layout, written to files."""

import json

from hypothesis import strategies as st

texts = st.text(max_size=6) | st.sampled_from(['"', "\\", "\u00e9", "\U0001f600", "\ud800", "]}"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
keys = st.sampled_from(["id", "image_id", "images", "annotations"]) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
layouts = st.builds(
    lambda *, ascii_only, indent, separators: {
        "ensure_ascii": ascii_only,
        "indent": indent,
        "separators": separators,
    },
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 0, 3, "\t", "\r\n"]),
    separators=st.sampled_from([(",", ":"), (" ,  ", "\n:\t")]),
)
blocks = st.sampled_from([1, 2, 5, 64, 1 << 23])


def write(path, document, layout):
    data = json.dumps(document, **layout).encode(errors="surrogatepass")
    if b"\xed\xa0\x80" in data:  # a lone surrogate is UTF-8 as an escape only
        data = json.dumps(document, **(layout | {"ensure_ascii": True})).encode()
    path.write_bytes(data)
    return data
