"""Finds where records begin in a large text by reading its ranges independently of each other.

A range cannot know whether it begins inside of a quote. So each tells for every state that it might begin in where the first
record starts, how many records start in it, and in which state it ends; the states are then known from the first range on.
"""

import numpy as np

from executors.framing import WINDOW_BYTES, scanner_of
from executors.record_scanner import AFTER_RETURN, FIELD_START, RECORD_START, STATES, UNQUOTED
from executors.windows import cut

_PLAIN_STATES = (RECORD_START, FIELD_START, UNQUOTED, AFTER_RETURN)
_LF = 10
_CR = 13
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Path:
    """Records of a range, read from one position: where those that are no blank lines start, and the state at the end."""

    def __init__(self, starts, state):
        self.starts = starts
        self.state = state


class RangeReader:
    """Reads one range of bytes, which it holds whole."""

    def __init__(self, framing, content, window_bytes=WINDOW_BYTES):
        self._scanner = scanner_of(framing)
        self._content = content
        self._window_bytes = window_bytes
        self._paths = []

    def outcomes(self, is_first):
        """For every state: [offset of the first record or None, records, state at the end]. The first range has one state."""
        states = [RECORD_START] if is_first else STATES if self._scanner.quote >= 0 else _PLAIN_STATES
        return {state: self._outcome(state, is_first) for state in states}

    def _outcome(self, state, is_first):
        start = 0
        if state == RECORD_START:
            start = 3 if is_first and self._content.startswith(_BYTE_ORDER_MARK) else 0
        else:
            scanned = self._scanner.scan(self._content, 0, state)
            if scanned.end < 0:
                return [None, 0, scanned.state]
            start = scanned.end
        path = self._path_from(start)
        own = path.starts[np.searchsorted(path.starts, start) :]
        return [start if start < len(self._content) else None, len(own), path.state]

    def _path_from(self, start):
        for path in self._paths:
            index = np.searchsorted(path.starts, start)
            if index < len(path.starts) and path.starts[index] == start:
                return path
        path = self._read(start)
        self._paths.append(path)
        return path

    def _read(self, start):
        found = []
        position = start
        while True:
            window = self._content[position : position + self._window_bytes]
            whole = position + len(window) >= len(self._content)
            records = cut(self._scanner, window, 0, False)
            starts = records.starts[records.stops > records.starts]
            found.append(starts + position)
            if whole:
                break
            position += records.rest
            if records.rest == 0:
                self._window_bytes *= 2
        rest = position + records.rest
        state = RECORD_START
        if rest < len(self._content):
            state = self._scanner.scan(self._content, rest).state
            if self._content[rest] not in (_LF, _CR):
                found.append(np.array([rest]))
        return _Path(np.concatenate(found), state)


def compose(ranges):
    """(splits, state at the end) from what the ranges told, in order. Ranges without a record give no split.

    A split is {offset, end, recordsBefore, records}; `ranges` are (offset, length, outcomes). A blank line is no record, and the header is counted as one here.
    """
    state = RECORD_START
    starts = []
    before = 0
    size = 0
    for offset, length, outcomes in ranges:
        first, records, state = outcomes[state]
        if first is not None and records > 0:
            starts.append((offset + first, before, records))
        before += records
        size = offset + length
    ends = [start for start, _, _ in starts[1:]] + [size]
    splits = [
        {"offset": start, "end": end, "recordsBefore": records_before, "records": records}
        for (start, records_before, records), end in zip(starts, ends)
    ]
    return splits, state
