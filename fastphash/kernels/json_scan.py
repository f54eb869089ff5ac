"""JSON scanned byte by byte: whether it is well-formed, and where an array's elements lie.

A pushdown automaton. Most bytes cost one look into the table of `fastphash.files.json_grammar`: a
byte at a node leads to another node or, from FIRST_ACTION on, to an action.
"""

import numpy as np
from numba import int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner

# nodes that actions lead to, followed by those that only the table knows
AFTER, END, VALUE, VALUE_OR_CLOSE, KEY, KEY_OR_CLOSE, COLON, IN_KEY = range(8)
FIRST_TABLE_NODE = 8

FIRST_ACTION = 100
(
    OPEN_OBJECT,
    CLOSE_OBJECT,
    OPEN_ARRAY,
    CLOSE_ARRAY,
    COMMA,
    OPEN_KEY,
    CLOSE_KEY,
    HAVE_KEY,
    OPEN_WANTED,
    ERROR,
) = range(FIRST_ACTION, FIRST_ACTION + 10)

# events: why a scan stopped
BLOCK_ENDS, KEY_FOUND, ARRAY_OPENED, ARRAY_CLOSED, FULL, WRONG, TOO_DEEP = range(7)

# indices of `state`, which is kept between scans; positions are those in the block
(AT, NODE, DEPTH, IN_ARRAY, COUNT, ELEMENT, KEY_START, KEY_END, MATCHED, VALUE_START, VALUE_END) = (
    range(11)
)
STATE_SIZE = 11
NONE = -1
#: Start of a value whose element must be parsed, because one of its keys has an escape.
ESCAPED = -2


@inner
def _end_scalar(
    data: NDArray[np.uint8], state: NDArray[np.int64], spans: NDArray[np.int64], end: int
) -> None:
    """Count what stands between state[ELEMENT] and `end` as an element, if anything does.

    An object or an array has been counted as it closed, and state[ELEMENT] is NONE then.
    """
    start = state[ELEMENT]
    state[ELEMENT] = NONE
    if start == NONE:
        return
    while start < end and data[start] <= ord(" "):
        start += 1
    if start == end:  # nothing stands in an empty array
        return
    while data[end - 1] <= ord(" "):
        end -= 1
    spans[state[COUNT], 0] = start
    spans[state[COUNT], 1] = end
    spans[state[COUNT], 2] = NONE
    spans[state[COUNT], 3] = NONE
    state[COUNT] += 1


@compiled(
    const(uint8),
    const(uint8, 2),
    const(uint8),
    array(uint8),
    array(int64),
    array(int64, 2),
    returns=int64,
)
def scan(
    data: NDArray[np.uint8],
    table: NDArray[np.uint8],
    wanted: NDArray[np.uint8],
    stack: NDArray[np.uint8],
    state: NDArray[np.int64],
    spans: NDArray[np.int64],
) -> int:
    """Scan from state[AT] to the next event, which is returned.

    Inside the wanted array, fill spans[state[COUNT]:] with each element's start and end, and the
    start and end of its value of the key `wanted` (in quotes).
    """
    node = np.uint8(state[NODE])
    depth = state[DEPTH]
    for i in range(state[AT], data.size):
        following = table[node, data[i]]
        if following < FIRST_ACTION:
            node = following
            continue
        event = BLOCK_ENDS
        of_element = depth == 3 and state[IN_ARRAY] == 1
        if following == COMMA:
            if of_element and state[MATCHED] == 1:
                state[VALUE_END], state[MATCHED] = i, 0
            if stack[depth] == OPEN_OBJECT:
                node = np.uint8(KEY)
            else:
                node = np.uint8(VALUE)
                if depth == 2 and state[IN_ARRAY] == 1:
                    _end_scalar(data, state, spans, i)
                    state[ELEMENT] = i + 1
                    if state[COUNT] == spans.shape[0]:
                        event = FULL
        elif following == OPEN_KEY:
            node = np.uint8(IN_KEY)
            if depth == 1 or of_element:
                state[KEY_START] = i
        elif following == CLOSE_KEY:
            node = np.uint8(COLON)
            state[KEY_END] = i + 1
            if of_element:
                name = data[state[KEY_START] : i + 1]
                state[KEY_START] = NONE
                state[MATCHED] = np.int64(name.size == wanted.size)
                for j in range(name.size):
                    if name[j] == ord("\\"):
                        state[VALUE_START] = ESCAPED
                    if j < wanted.size and name[j] != wanted[j]:
                        state[MATCHED] = 0
        elif following == HAVE_KEY:
            node = np.uint8(VALUE)
            if depth == 1:
                event = KEY_FOUND
            elif of_element and state[MATCHED] == 1 and state[VALUE_START] != ESCAPED:
                state[VALUE_START] = i + 1
        elif following == ERROR:
            event = WRONG
        elif following in {OPEN_OBJECT, OPEN_ARRAY, OPEN_WANTED}:
            if depth + 1 == stack.size:
                event = TOO_DEEP
            elif following == OPEN_WANTED:
                node = np.uint8(VALUE_OR_CLOSE)
                state[IN_ARRAY], state[ELEMENT] = 1, i + 1
                event = ARRAY_OPENED
            else:
                node = np.uint8(KEY_OR_CLOSE if following == OPEN_OBJECT else VALUE_OR_CLOSE)
                if depth == 2 and state[IN_ARRAY] == 1:
                    state[ELEMENT] = i
                    state[VALUE_START], state[VALUE_END], state[MATCHED] = NONE, NONE, 0
            if event != TOO_DEEP:
                depth += 1
                stack[depth] = OPEN_OBJECT if following == OPEN_OBJECT else OPEN_ARRAY
        elif stack[depth] != following - 1:  # a closing bracket of the other kind
            event = WRONG
        else:
            depth -= 1
            node = np.uint8(AFTER if depth else END)
            if of_element:
                if state[MATCHED] == 1:
                    state[VALUE_END], state[MATCHED] = i, 0
                spans[state[COUNT], 0] = state[ELEMENT]
                spans[state[COUNT], 1] = i + 1
                spans[state[COUNT], 2] = state[VALUE_START]
                spans[state[COUNT], 3] = state[VALUE_END]
                state[COUNT] += 1
                state[ELEMENT] = NONE
                if state[COUNT] == spans.shape[0]:
                    event = FULL
            elif depth == 1 and state[IN_ARRAY] == 1:
                _end_scalar(data, state, spans, i)
                state[IN_ARRAY] = 0
                event = ARRAY_CLOSED
        if event != BLOCK_ENDS:
            state[NODE], state[DEPTH] = node, depth
            state[AT] = i if event in {WRONG, TOO_DEEP} else i + 1
            return event
    state[NODE], state[DEPTH], state[AT] = node, depth, data.size
    return BLOCK_ENDS
