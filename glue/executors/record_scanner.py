"""The states of a record, byte by byte: exact, and only as fast as it must be.

The rules are those of docs/operators.md, "Framing". `framing.py` uses this machine for the few records that arithmetic
over whole windows cannot decide, and `splits.py` for the record that a range of bytes begins in.
"""

import re

STATES = range(8)
RECORD_START, FIELD_START, UNQUOTED, QUOTED, AFTER_QUOTE, ESCAPED, AFTER_RETURN, AFTER_BLANK = STATES

_LF = 10
_CR = 13
_BLANK = 32


class Scanned:
    """What was found from a position on; `end` is -1 where the record goes on behind the window."""

    __slots__ = ("end", "terminator", "state", "columns", "malformed", "spans_lines")

    def __init__(self, end, terminator, state, columns, malformed, spans_lines):
        self.end = end
        self.terminator = terminator
        self.state = state
        self.columns = columns
        self.malformed = malformed
        self.spans_lines = spans_lines


def _byte(character):
    return -1 if character is None else ord(character)


class RecordScanner:
    """Finds the end of one record from any state. Quote and escape may be the same byte, or none at all."""

    def __init__(self, delimiter, quote, escape):
        self.delimiter = ord(delimiter)
        self.quote = _byte(quote)
        self.escape = _byte(escape)
        self.doubles = quote is not None and quote == escape
        self._field_end = re.compile(b"[" + re.escape(delimiter.encode()) + b"\n\r]")
        inside = b"" if quote is None else b"".join(re.escape(c.encode()) for c in {quote, escape or quote})
        self._quoted_end = None if quote is None else re.compile(b"[" + inside + b"]")

    def scan(self, window, position, state=RECORD_START, columns=1, malformed=False, spans_lines=False):
        """Reads from `position` up to the end of the record or of the window."""
        end = len(window)
        while position < end:
            if state == UNQUOTED:
                found = self._field_end.search(window, position)
                if found is None:
                    position = end
                    break
                position = found.start()
            elif state == QUOTED:
                found = self._quoted_end.search(window, position)
                stop = end if found is None else found.start()
                spans_lines = spans_lines or window.find(b"\n", position, stop) >= 0 or window.find(b"\r", position, stop) >= 0
                position = stop
                if found is None:
                    break
                state = AFTER_QUOTE if window[position] == self.quote else ESCAPED
                position += 1
                continue
            byte = window[position]
            if state == ESCAPED:
                malformed = malformed or not (byte == self.quote or byte == self.escape)
                state = QUOTED
                position += 1
                continue
            if state == AFTER_RETURN:
                if byte == _LF:
                    return Scanned(position + 1, 2, RECORD_START, columns, malformed, spans_lines)
                return Scanned(position, 1, RECORD_START, columns, malformed, spans_lines)
            if byte == self.delimiter:
                columns += 1
                state = FIELD_START
            elif byte == _LF:
                return Scanned(position + 1, 1, RECORD_START, columns, malformed, spans_lines)
            elif byte == _CR:
                state = AFTER_RETURN
            elif state == AFTER_QUOTE:
                doubled = byte == self.quote and self.doubles
                malformed = malformed or not doubled
                state = QUOTED if doubled else UNQUOTED
            elif byte == self.quote:
                state = QUOTED
            else:
                blank = byte == _BLANK and state != AFTER_BLANK and self.quote >= 0
                state = AFTER_BLANK if blank else UNQUOTED
            position += 1
        return Scanned(-1, 0, state, columns, malformed, spans_lines)
