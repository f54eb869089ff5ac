"""The grammar of JSON (RFC 8259), as the table that `fastphash.kernels.json_scan` reads."""

import functools

import numpy as np
from numpy.typing import NDArray

from fastphash.kernels.json_scan import (
    AFTER,
    CLOSE_ARRAY,
    CLOSE_KEY,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    ERROR,
    FIRST_ACTION,
    FIRST_TABLE_NODE,
    HAVE_KEY,
    IN_KEY,
    KEY,
    KEY_OR_CLOSE,
    OPEN_ARRAY,
    OPEN_KEY,
    OPEN_OBJECT,
    OPEN_WANTED,
    VALUE,
    VALUE_OR_CLOSE,
)

# nodes that only this table uses; a scan begins at ROOT, and an array or null may follow WANTED
(
    ROOT,
    WANTED,
    _MINUS,
    _ZERO,
    _INTEGER,
    _POINT,
    _FRACTION,
    _E,
    _E_SIGN,
    _EXPONENT,
    _STRING,
    _UNNAMED,
) = range(FIRST_TABLE_NODE, FIRST_TABLE_NODE + 12)
_SPACE = b" \t\n\r"
_DIGITS = b"0123456789"
_HEXADECIMAL = _DIGITS + b"abcdefABCDEF"
_INFINITY = b"Infinity"
# Python writes and reads the last two, so COCO files have them
_LITERALS = (b"true", b"false", b"null", b"NaN", _INFINITY)


@functools.cache
def transitions() -> NDArray[np.uint8]:
    """The node or action that follows each byte at each node: uint8 (FIRST_ACTION, 256)."""
    grammar = _Grammar()
    _add_space(grammar)
    _add_structure(grammar)
    _add_literals(grammar)
    grammar.add_string(_STRING, AFTER)
    grammar.add_string(IN_KEY, CLOSE_KEY)
    _add_numbers(grammar)
    _add_ends_of_values(grammar)
    grammar.table.flags.writeable = False
    return grammar.table


class _Grammar:
    """A table of transitions, and the next node without a name."""

    def __init__(self) -> None:
        self.table = np.full((FIRST_ACTION, 256), ERROR, np.uint8)
        self._unnamed = _UNNAMED

    def link(self, node: int, characters: bytes, following: int) -> None:
        """Let each of these characters lead from a node to the following one."""
        self.table[node, np.frombuffer(characters, np.uint8)] = following

    def add_sequence(self, node: int, choices: list[bytes], following: int) -> None:
        """Let a sequence of characters, one from each choice, lead to the following node."""
        for characters in choices[:-1]:
            between = self._new_node()
            self.link(node, characters, between)
            node = between
        self.link(node, choices[-1], following)

    def add_word(self, node: int, word: bytes, following: int) -> None:
        """Let a word lead from a node to the following one."""
        self.add_sequence(node, [bytes([letter]) for letter in word], following)

    def add_string(self, inside: int, closing: int) -> None:
        """Let `inside` be the inside of a string, and its closing quote lead to `closing`."""
        self.table[inside, 0x20:] = inside
        self.link(inside, b'"', closing)
        escape = self._new_node()
        self.link(inside, b"\\", escape)
        self.link(escape, b'"\\/bfnrt', inside)
        self.add_sequence(escape, [b"u", *[_HEXADECIMAL] * 4], inside)

    def _new_node(self) -> int:
        self._unnamed += 1
        return self._unnamed - 1


def _add_space(grammar: _Grammar) -> None:
    for node in (*range(IN_KEY), ROOT, WANTED):
        grammar.link(node, _SPACE, node)


def _add_structure(grammar: _Grammar) -> None:
    for node in (ROOT, VALUE, VALUE_OR_CLOSE):
        grammar.link(node, b"{", OPEN_OBJECT)
    grammar.link(WANTED, b"[", OPEN_WANTED)
    for node in (VALUE, VALUE_OR_CLOSE):
        grammar.link(node, b"[", OPEN_ARRAY)
    grammar.link(VALUE_OR_CLOSE, b"]", CLOSE_ARRAY)
    for node in (KEY, KEY_OR_CLOSE):
        grammar.link(node, b'"', OPEN_KEY)
    grammar.link(KEY_OR_CLOSE, b"}", CLOSE_OBJECT)
    grammar.link(COLON, b":", HAVE_KEY)


def _add_literals(grammar: _Grammar) -> None:
    for node in (VALUE, VALUE_OR_CLOSE):
        grammar.link(node, b'"', _STRING)
        for word in _LITERALS:
            grammar.add_word(node, word, AFTER)
    grammar.add_word(_MINUS, _INFINITY, AFTER)
    grammar.add_word(WANTED, b"null", AFTER)


def _add_numbers(grammar: _Grammar) -> None:
    for node in (VALUE, VALUE_OR_CLOSE):
        grammar.link(node, b"-", _MINUS)
    for node in (VALUE, VALUE_OR_CLOSE, _MINUS):
        grammar.link(node, b"0", _ZERO)
        grammar.link(node, b"123456789", _INTEGER)
    grammar.link(_INTEGER, _DIGITS, _INTEGER)
    for node in (_ZERO, _INTEGER):
        grammar.link(node, b".", _POINT)
    for node in (_POINT, _FRACTION):
        grammar.link(node, _DIGITS, _FRACTION)
    for node in (_ZERO, _INTEGER, _FRACTION):
        grammar.link(node, b"eE", _E)
    grammar.link(_E, b"+-", _E_SIGN)
    for node in (_E, _E_SIGN, _EXPONENT):
        grammar.link(node, _DIGITS, _EXPONENT)


def _add_ends_of_values(grammar: _Grammar) -> None:
    # a number has no end of its own: it ends where something else begins
    for node in (AFTER, _ZERO, _INTEGER, _FRACTION, _EXPONENT):
        grammar.link(node, _SPACE, AFTER)
        grammar.link(node, b",", COMMA)
        grammar.link(node, b"]", CLOSE_ARRAY)
        grammar.link(node, b"}", CLOSE_OBJECT)
