"""Files that other programs, or an enemy, might hand over: seeded changes to sound ones."""

import datetime as dt
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq

NAMES = [
    "a.png", "train/000.png", "", ".", "..", "../../x.png", "/etc/passwd", "a\0b", "a\nb\r",
    "\x1b[2J\x1b[31m", "\u202egnp.exe", "=1+1", "<script>", "a" * 5000, "nan", "-rf"
]  # fmt: skip
WORDS = [*NAMES, "keeper", "copy", "exact", "near", "collision", "train", "val", "rotate_90"]
NUMBERS = [0, 1, -1, 255, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]


class _Foreign(pa.ExtensionType):
    """A type that only its own program knows."""

    def __init__(self):
        super().__init__(pa.string(), "elsewhere.type")

    def __arrow_ext_serialize__(self):
        return b"\xff\x00 not JSON"

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        return cls()


def _pick(rng, values):
    return values[int(rng.integers(len(values)))]


def _values(rng, kind, rows):
    return pa.array([_pick(rng, kind) if rng.random() < 0.8 else None for _ in range(rows)])


def _of_type(kind, values):
    return lambda rng, rows: pa.array([_pick(rng, values) for _ in range(rows)], kind)


def _dictionary(kind, values):
    return lambda rng, rows: _of_type(kind, values)(rng, rows).dictionary_encode()


#: Columns of types that ours are not, by their number of rows.
COLUMNS = [
    lambda _, rows: pa.nulls(rows),
    *[lambda _, rows, kind=kind: pa.nulls(rows, kind) for kind in (pa.string(), pa.uint64())],
    lambda _, rows: pa.nulls(rows, pa.dictionary(pa.int32(), pa.string())),
    lambda rng, rows: _values(rng, WORDS, rows),
    lambda rng, rows: _values(rng, NUMBERS, rows),
    _of_type(pa.large_string(), WORDS),
    _of_type(pa.string_view(), WORDS),
    _of_type(pa.binary(), [b"", b"a.png", b"\xff\xfe", b"a\0b"]),
    _of_type(pa.large_binary(), [b"", b"a.png", b"\xff\xfe"]),
    _of_type(pa.binary(16), [bytes(16), b"\xff" * 16]),
    _of_type(pa.binary(3), [b"abc"]),
    _of_type(pa.int8(), [-128, 0, 127]),
    _of_type(pa.int32(), [-(2**31), 0, 2**31 - 1]),
    _of_type(pa.int64(), NUMBERS),
    _of_type(pa.uint8(), [0, 200, 255]),
    _of_type(pa.uint64(), [0, 2**63, 2**64 - 1]),
    _of_type(pa.float32(), [0.0, -1.5, float("nan"), float("inf")]),
    _of_type(pa.float64(), [0.0, 1e300, float("nan"), float("-inf")]),
    _of_type(pa.bool_(), [True, False, None]),
    _of_type(pa.decimal128(38, 2), [decimal.Decimal("1.25"), decimal.Decimal(10**30)]),
    _of_type(pa.date32(), [dt.date(1980, 1, 1)]),
    _of_type(pa.timestamp("ns", "UTC"), [dt.datetime(1980, 1, 1, tzinfo=dt.UTC)]),
    _of_type(pa.time64("us"), [dt.time(1, 2, 3)]),
    _of_type(pa.duration("s"), [dt.timedelta(1)]),
    _of_type(pa.list_(pa.string()), [["a"], [], None]),
    _of_type(pa.list_(pa.float32(), 2), [[1.0, 2.0], [float("nan"), 0.0]]),
    _of_type(pa.list_(pa.float32()), [[1.0], [1.0, 2.0], None]),
    _of_type(pa.struct([("path", pa.string())]), [{"path": "a"}, None]),
    _of_type(pa.map_(pa.string(), pa.int64()), [[("a", 1)], []]),
    _dictionary(pa.string(), WORDS),
    _dictionary(pa.large_string(), WORDS),
    _dictionary(pa.int64(), NUMBERS),
    _dictionary(pa.binary(), [b"a", b"\xff"]),
    lambda rng, rows: _Foreign().wrap_array(_of_type(pa.string(), WORDS)(rng, rows)),
    lambda _, rows: pa.array([bytes(16)] * rows, pa.uuid()),
]  # fmt: skip


def fuzzed_parquet(rng, path, table, codecs=("zstd", "snappy", "gzip", "brotli", "lz4", "none")):
    """Write a table to a path with some changes; some files are damaged as well."""
    for _ in range(int(rng.integers(1, 4))):
        table = _pick(rng, _TABLE_CHANGES)(rng, table)
    options = {
        "compression": _pick(rng, codecs),
        "row_group_size": _pick(rng, (1, 3, 10_000)),
        "use_dictionary": bool(rng.integers(2)),
        "store_schema": bool(rng.integers(4)),
        "version": _pick(rng, ("1.0", "2.4", "2.6")),
        "data_page_version": _pick(rng, ("1.0", "2.0")),
        "write_page_checksum": bool(rng.integers(2)),
    }
    try:
        pq.write_table(table, path, **options)
    except (pa.ArrowException, OverflowError, ValueError):
        # what Parquet can't hold, nobody can hand over
        pq.write_table(pa.table({"path": pa.nulls(2)}), path)
    if rng.random() < 0.25:
        path.write_bytes(damaged(rng, path.read_bytes()))


def damaged(rng, data):
    """Bytes that are cut, flipped, overwritten or others altogether."""
    how = int(rng.integers(8))
    if how == 0 or not data:
        return _pick(rng, (b"", b"PAR1", b"PAR1PAR1", b"PARE" + data[4:-4] + b"PARE", b"\0" * 64))
    if how == 1:
        return data[: int(rng.integers(len(data)))]
    changed = bytearray(data)
    # the footer is at the end
    first = max(0, len(data) - 600) if how in (2, 3, 4) else 0
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(first, len(data)))
        if how % 2:
            changed[at] ^= 1 << int(rng.integers(8))
        else:
            changed[at] = int(rng.integers(256))
    return bytes(changed)


def _column(rng, table):
    return int(rng.integers(table.num_columns)) if table.num_columns else -1


def _retype(rng, table):
    at = _column(rng, table)
    if at < 0:
        return table
    values = _pick(rng, COLUMNS)(rng, table.num_rows)
    return table.set_column(at, table.column_names[at], values)


def _cast(rng, table):
    at = _column(rng, table)
    kinds = (pa.string(), pa.large_string(), pa.string_view(), pa.int64(), pa.uint64(), pa.int32(),
             pa.float64(), pa.binary(), pa.large_binary(), pa.dictionary(pa.int8(), pa.string()),
             pa.decimal128(38, 0))  # fmt: skip
    try:
        return table.set_column(
            at, table.column_names[at], table.column(at).cast(_pick(rng, kinds))
        )
    except (pa.ArrowException, IndexError):
        return table


def _add(rng, table):
    name = _pick(rng, (*table.column_names, "path_bytes", "split", "phash", "vector", *NAMES[:8]))
    return table.append_column(name, _pick(rng, COLUMNS)(rng, table.num_rows))


def _drop(rng, table):
    return table.remove_column(_column(rng, table)) if table.num_columns > 1 else table


def _rename(rng, table):
    names = list(table.column_names)
    names[_column(rng, table)] = _pick(rng, (*names, *NAMES, "Path", "PHASH"))
    return table.rename_columns(names)


def _rows(rng, table):
    many = int(rng.integers(1, 30))
    chosen = rng.integers(max(table.num_rows, 1), size=many)
    return _pick(rng, (table.slice(0, 0), table.slice(0, 1), table.slice(1), _taken(table, chosen)))


def _taken(table, rows):
    try:
        return table.take(pa.array(rows))
    except (pa.ArrowException, IndexError):
        return table


def _nulls(rng, table):
    at = _column(rng, table)
    try:
        missing = pa.array(rng.random(table.num_rows) < 0.5)
        values = [
            None if gone else value
            for gone, value in zip(missing.to_pylist(), table.column(at).to_pylist(), strict=True)
        ]
        return table.set_column(at, table.column_names[at], pa.array(values, table.field(at).type))
    except (pa.ArrowException, IndexError, TypeError, OverflowError, ValueError):
        return table


def _values_changed(rng, table):
    """Other values of the same type."""
    at = _column(rng, table)
    try:
        values = table.column(at).to_pylist()
        pool = WORDS if any(isinstance(value, str) for value in values) else NUMBERS
        for row in range(len(values)):
            if rng.random() < 0.5:
                values[row] = _pick(rng, [*pool, *values])
        return table.set_column(at, table.column_names[at], pa.array(values, table.field(at).type))
    except (pa.ArrowException, IndexError, TypeError, OverflowError, ValueError):
        return table


def _metadata(rng, table):
    metadata = dict(table.schema.metadata or {})
    for key in _pick(rng, ((b"fastphash",), (b"pandas",), tuple(metadata), (b"plan", b"\xff"))):
        old = metadata.get(key, b'{"definition": {"source": "foreign"}, "schema": 4}')
        metadata[key] = _pick(rng, (b"", b"{}", b"null", b"[1]", b"\xff\xfe", damaged(rng, old)))
        if rng.random() < 0.6:
            metadata[key] = fuzzed_json(rng, old)
    return table.replace_schema_metadata(_pick(rng, (None, metadata, metadata, metadata)))


_TABLE_CHANGES = (
    _retype, _retype, _retype, _cast, _cast, _add, _drop, _rename, _rows, _nulls, _values_changed,
    _values_changed, _metadata,
)  # fmt: skip

_DEEP = 100_000
#: JSON texts in the place of a value.
_ODD_JSON = [
    b"null", b"true", b"0", b"-1", b"1.5", b"1e400", b"-1e400", b"NaN", b"Infinity", b'""', b"[]",
    b"{}", b'"x"', b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\\u001b[31m\\n\\u202e"',
    b'"../../etc/passwd"', b'"<script>"', b'"=1+1"', b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616", b"1" * 30, b"1" * 5000, b"[[[[1]]]]", b'{"a": {"a": 1}}', b'[1, "a"]',
    b"[null]", b"[1, 2, 3, 4]", b'{"x": 1, "x": 2}', b'"' + b"a" * 5000 + b'"',
    b"[" * _DEEP + b"]" * _DEEP, b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
]  # fmt: skip


def fuzzed_json(rng, data):
    """JSON with some of its values, keys or bytes changed."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return damaged(rng, data)
    marks = {}
    for _ in range(int(rng.integers(1, 4))):
        value = _changed(rng, value, marks)
    text = json.dumps(value).encode()
    for mark, odd in marks.items():
        text = text.replace(json.dumps(mark).encode(), odd, 1)
    if rng.random() < 0.15:
        return damaged(rng, text)
    if rng.random() < 0.1:
        # one more of a key that is there
        return text.replace(b"{", b'{"images": 1, "images": [], "schema": 4,', 1)
    return text


def _changed(rng, value, marks):
    """The value with one thing in it changed, at any depth."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.9:
        return (_changed_object if isinstance(value, dict) else _changed_list)(rng, value, marks)
    if isinstance(value, (str, int, float)) and rng.random() < 0.2:
        return _pick(rng, WORDS if isinstance(value, str) else NUMBERS)
    mark = f"mark {len(marks)}"
    # the deep ones take longest
    marks[mark] = _pick(rng, _ODD_JSON if rng.random() < 0.1 else _ODD_JSON[:-2])
    return mark


def _changed_object(rng, value, marks):
    key, how = _pick(rng, list(value)), rng.random()
    if how < 0.15:
        return {name: item for name, item in value.items() if name != key}
    if how < 0.2:
        return {**value, _pick(rng, NAMES): value[key]}
    return {**value, key: _changed(rng, value[key], marks)}


def _changed_list(rng, value, marks):
    at = int(rng.integers(len(value)))
    if rng.random() < 0.15:
        return _pick(rng, (value[:at] + value[at + 1 :], [*value, value[at]]))
    return [*value[:at], _changed(rng, value[at], marks), *value[at + 1 :]]
