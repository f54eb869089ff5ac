"""What the scan takes for JSON, and where it finds elements, against the json module."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.errors import StoreError
from fastphash.files import json_arrays
from fastphash.files.json_arrays import pieces
from tests.support.examples import examples
from tests.support.json_files import blocks, keys, layouts, texts, values, write

WANTED = {"images": "id", "annotations": "image_id"}
objects = st.dictionaries(keys, values, max_size=4)
arrays = st.lists(objects | values, max_size=5)
documents = st.builds(
    lambda items, wanted: dict(sorted((items | wanted).items(), key=str)),
    st.dictionaries(texts, values, max_size=3),
    st.fixed_dictionaries({}, optional={"images": arrays, "annotations": arrays | st.none()}),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("elements") / "file.json"


def cut(path, block, count=1 << 16):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_arrays, "_BLOCK", block)
        patch.setattr(json_arrays, "_ELEMENTS", count)
        return list(pieces(path, WANTED))


@given(documents, layouts, blocks, st.sampled_from([1, 2, 1 << 16]))
@examples(300, 10)
def test_pieces_are_the_file_and_elements_are_those_of_json(path, document, layout, block, count):
    data = write(path, document, layout)
    parts = cut(path, block, count)
    assert b"".join(piece.data for piece in parts) == data
    assert [p.offset for p in parts] == [
        sum(len(p.data) for p in parts[:i]) for i in range(len(parts))
    ]
    parsed = json.loads(data)
    for name, key in WANTED.items():
        of_array = [piece for piece in parts if piece.array == name]
        assert bool(of_array) == (parsed.get(name) is not None)
        wanted = parsed.get(name) or []
        got = [piece.element(i) for piece in of_array for i in range(len(piece.starts))]
        assert repr(got) == repr(wanted)
        assert repr([one for piece in of_array for one in piece.elements()]) == repr(wanted)
        got = [value for piece in of_array for value in piece.values()]
        of_key = [one.get(key) if isinstance(one, dict) else None for one in wanted]
        assert repr(got) == repr(of_key)
        numbers = np.cumsum([0, *(len(piece.starts) for piece in of_array)])
        assert [piece.number for piece in of_array] == numbers[:-1].tolist()


@given(documents, layouts, blocks, st.data())
@examples(500)
@example({"a": [0.5]}, {}, 3, None)
def test_what_json_refuses_is_refused(path, document, layout, block, data):
    whole = bytearray(write(path, document, layout))
    for _ in range(data.draw(st.integers(0, 3)) if data else 0):
        at = data.draw(st.integers(0, len(whole)))
        what = data.draw(st.sampled_from(list(b'"\\{}[]:,0-+.eE1tfnNI \n\x00\x7f\xffu')))
        length = data.draw(st.integers(0, 2))
        whole[at : at + length] = bytes([what])
    path.write_bytes(whole)
    try:
        # strict UTF-8: json.loads guesses the encoding of bytes
        pairs = json.loads(whole.decode(), object_pairs_hook=Pairs)
    except ValueError:
        with pytest.raises(StoreError, match=r"not JSON|isn't UTF-8|is no |two entries"):
            cut(path, block)
        return
    if acceptable(pairs):
        assert b"".join(piece.data for piece in cut(path, block)) == whole
    else:
        with pytest.raises(StoreError, match=r"is no |two entries"):
            cut(path, block)


class Pairs(list):
    """An object, with keys that come twice."""


def acceptable(document):
    if not isinstance(document, Pairs):
        return False
    wanted = [(key, value) for key, value in document if key in WANTED]
    return len({key for key, _ in wanted}) == len(wanted) and all(
        value is None or (isinstance(value, list) and not isinstance(value, Pairs))
        for _, value in wanted
    )


def test_the_last_of_equal_keys_counts_and_escapes_are_seen_through(path):
    path.write_text(
        r'{"images": [{"id": 1, "id": 2}, {"\u0069d": 3}, {"id": 4, "i\u0064": 5}, '
        r'{"x": {"id": 6}}, {"i\"d": 7, "id": 8}], "im\u0061ges2": [], '
        r'"\u0061nnotations": [{"image_id": 9}]}'
    )
    for block in (1, 7, 1000):
        parts = cut(path, block)
        values = [value for p in parts if p.array == "images" for value in p.values()]
        assert values == [2, 3, 5, None, 8]
        assert [v for p in parts if p.array == "annotations" for v in p.values()] == [9]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"it is empty \(byte 0\)"),
        (b" \n", r"it ends too early: was it cut short\? \(byte 2\)"),
        (b'{"images": [{"id": 1}, {"id"', r"it ends too early: was it cut short\? \(byte 28"),
        ('{"images": []}'.encode("utf-16"), r"it isn't UTF-8 \(byte 0"),
        (b'{"a": "\xe9"}', r"it isn't UTF-8 \(byte 7, at '\ufffd"),
        (b'{"a": "\xe2\x82', r"it isn't UTF-8 \(byte 7"),
        (b"[1, 2]", r"its top level is no object, as that of a COCO file is \(byte 0, at '\[1, 2"),
        (b"-1", "its top level is no object"),
        (b'{"images": {"1": 2}}', r"its 'images' is no array \(byte 11, at '\{\"1\": 2"),
        (b'{"images": 5}', r"its 'images' is no array \(byte 11, at '5"),
        (b'{"images": nulx}', r"not JSON \(byte 14, at 'x"),
        (b'{"images": [{}, ]}', r"not JSON \(byte 16, at '\]"),
        (b'{"images": [,1]}', r"not JSON \(byte 12, at ','?"),
        (b'{"images": [], "images": []}', r"it has two entries 'images' \(byte 15"),
        (b'{"images": [{"id": 01}]}', r"not JSON \(byte 20, at '1\}\]\}'\)"),
        (b'{"images": []} x', r"not JSON \(byte 15, at 'x'\)"),
        (b'{"a": ' + b"[" * 10_000, "it is nested more than 10,000 deep"),
    ],
)
def test_errors_name_the_file_and_the_place(path, data, message):
    path.write_bytes(data)
    for block in (1, 1000):
        with pytest.raises(StoreError, match=message) as caught:
            cut(path, block)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(StoreError, match=r"none.json: No such file"):
        list(pieces(tmp_path / "none.json", WANTED))


def test_an_element_far_larger_than_a_block(path):
    text = '"]}\\' * 100_000
    path.write_text(json.dumps({"images": [{"id": 1}, {"text": text, "id": 2}], "other": text}))
    parts = cut(path, 1000)
    assert [value for p in parts if p.array for value in p.values()] == [1, 2]
    assert b"".join(piece.data for piece in parts) == path.read_bytes()


@pytest.mark.parametrize("block", [1, 2, 5, 1000])
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_elements_of_any_type(path, block, count):
    wanted = [None, 1.5, "a,b]", [[1], {"id": 2}], {"id": 3}, True, [], -2]
    path.write_text('{"images":[ \n' + " ,\t".join(map(json.dumps, wanted)) + ' \n],"x":[1]}')
    parts = [piece for piece in cut(path, block, count) if piece.array]
    assert [one for piece in parts for one in piece.elements()] == wanted
    assert [v for piece in parts for v in piece.values()] == [*[None] * 4, 3, *[None] * 3]


def test_a_byte_order_mark_is_left_out(path):
    path.write_bytes(b'\xef\xbb\xbf{"images": [{"id": 1}]}')
    for block in (1, 4, 1000):
        parts = cut(path, block)
        assert b"".join(piece.data for piece in parts) == b'{"images": [{"id": 1}]}'
        assert parts[0].offset == 3
        (piece,) = (piece for piece in parts if len(piece.starts))
        at = piece.offset + int(piece.starts[0])
        assert path.read_bytes()[at:].startswith(b'{"id": 1}')


def test_what_python_cannot_hold_costs_itself(path):
    path.write_text(
        f'{{"images": [{{"id": {"1" * 5000}}}, {{"id": 2}}, {"[" * 5000}{"]" * 5000}]}}'
    )
    (piece,) = (piece for piece in cut(path, 1 << 23) if len(piece.starts))
    first, *others = piece.values()
    assert "Exceeds the limit" in first.why
    assert others == [2, None]
    kinds = [type(one) for one in piece.elements()]
    assert kinds[:2] == [json_arrays.Unreadable, dict]
    # how deep Python goes depends on its version
    assert kinds[2] in {json_arrays.Unreadable, list}
