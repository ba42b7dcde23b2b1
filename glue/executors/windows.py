"""Cuts a window of bytes into records with arithmetic over all its bytes at once.

Outside of quotes every line end ends a record. Whether a byte is inside of quotes follows from the number of quotes before
it, as long as each opening quote stands at the start of a field, or one blank behind it, and each closing one at its end. The first quote for which
that does not hold is known; its record is read by the exact machine, and arithmetic goes on behind it.
"""

import numpy as np

from executors.record_scanner import AFTER_RETURN, RECORD_START

_LF = 10
_CR = 13
_BLANK = 32
_NONE = np.empty(0, dtype=np.int64)


class Records:
    """Complete records of a window, in order: offsets of their bytes, columns, and whether a quote is malformed."""

    __slots__ = ("starts", "stops", "ends", "columns", "malformed", "rest")

    def __init__(self, starts, stops, ends, columns, malformed, rest):
        self.starts = starts
        self.stops = stops
        self.ends = ends
        self.columns = columns
        self.malformed = malformed
        #: Where the first unfinished record begins.
        self.rest = rest


def _positions(bytes_, value):
    return np.flatnonzero(bytes_ == value)


class _Window:
    """Positions of everything that matters in a window, for both parities of quotes before it."""

    def __init__(self, scanner, window, final):
        self.window = window
        self.bytes = bytes_ = np.frombuffer(window, dtype=np.uint8)
        self.quotes = _positions(bytes_, scanner.quote) if scanner.quote >= 0 else _NONE
        breaks = self._breaks(final)
        delimiters = _positions(bytes_, scanner.delimiter)
        if len(self.quotes) == 0:
            self.breaks = (breaks, _NONE)
            self.delimiters = (delimiters, _NONE)
            self.violations = (_NONE, _NONE)
            return
        odd_breaks = np.searchsorted(self.quotes, breaks) & 1
        odd_delimiters = np.searchsorted(self.quotes, delimiters) & 1
        self.breaks = (breaks[odd_breaks == 0], breaks[odd_breaks == 1])
        self.delimiters = (delimiters[odd_delimiters == 0], delimiters[odd_delimiters == 1])
        self.violations = self._violations(scanner)

    def _breaks(self, final):
        """The last bytes of line ends, quotes not yet considered."""
        line_feeds = _positions(self.bytes, _LF)
        if b"\r" not in self.window:
            return line_feeds
        returns = _positions(self.bytes, _CR)
        inner = returns[returns < len(self.bytes) - 1]
        alone = inner[self.bytes[inner + 1] != _LF]
        if final and self.bytes[-1] == _CR:
            alone = np.append(alone, len(self.bytes) - 1)
        return np.sort(np.concatenate((line_feeds, alone))) if len(alone) > 0 else line_feeds

    def _violations(self, scanner):
        """Quotes for which counting does not do, if the records before them began at an even or an odd one."""
        quotes, bytes_ = self.quotes, self.bytes
        before = np.where(quotes > 0, bytes_[quotes - 1], _LF)
        blank = before == _BLANK
        before = np.where(blank, np.where(quotes > 1, bytes_[np.maximum(quotes - 2, 0)], _LF), before)
        opens_well = (before == scanner.delimiter) | (before == _LF) | (before == _CR)
        after = np.where(quotes < len(bytes_) - 1, bytes_[np.minimum(quotes + 1, len(bytes_) - 1)], _LF)
        closes_well = (after == scanner.delimiter) | (after == _LF) | (after == _CR)
        if scanner.doubles:
            opens_well |= (before == scanner.quote) & ~blank
            closes_well |= after == scanner.quote
        odd = (np.arange(len(quotes)) & 1) == 1
        escapes = _NONE
        if not scanner.doubles and scanner.escape >= 0:
            escapes = _positions(bytes_, scanner.escape)
        return tuple(
            np.sort(np.concatenate((quotes[~np.where(odd == opening, opens_well, closes_well)], escapes)))
            for opening in (False, True)
        )

    def parity(self, position):
        return int(np.searchsorted(self.quotes, position)) & 1


def cut(scanner, window, start, final):
    """The records of `window` from `start`, where one begins. In a final window a carriage return at its end is a line end."""
    if len(window) == start:
        return Records(_NONE, _NONE, _NONE, _NONE, np.empty(0, dtype=bool), start)
    view = _Window(scanner, window, final)
    parts = []
    position = start
    while True:
        parity = view.parity(position)
        violations = view.violations[parity]
        next_violation = int(np.searchsorted(violations, position))
        limit = int(violations[next_violation]) if next_violation < len(violations) else len(window)
        breaks = view.breaks[parity]
        ends = breaks[np.searchsorted(breaks, position) : np.searchsorted(breaks, limit)] + 1
        if len(ends) > 0:
            starts = np.concatenate(([position], ends[:-1]))
            separators = np.searchsorted(view.delimiters[parity], np.concatenate((starts, ends[-1:])))
            parts.append((starts, _stops(view.bytes, ends), ends, np.diff(separators) + 1, np.zeros(len(ends), dtype=bool)))
            position = int(ends[-1])
        if limit == len(window):
            break
        scanned = scanner.scan(window, position, RECORD_START)
        if scanned.end < 0:
            if not (final and window[-1] == _CR and scanned.state == AFTER_RETURN):
                break
            scanned.end, scanned.terminator = len(window), 1
        parts.append(_single(position, scanned))
        position = scanned.end
    return _joined(parts, position)


def _stops(bytes_, ends):
    """Where the text of records stops that end before `ends`."""
    returned = (bytes_[ends - 1] == _LF) & (ends >= 2) & (bytes_[np.maximum(ends - 2, 0)] == _CR)
    return ends - 1 - returned


def _single(start, scanned):
    return (
        np.array([start]),
        np.array([scanned.end - scanned.terminator]),
        np.array([scanned.end]),
        np.array([scanned.columns]),
        np.array([scanned.malformed]),
    )


def _joined(parts, rest):
    if not parts:
        return Records(_NONE, _NONE, _NONE, _NONE, np.empty(0, dtype=bool), rest)
    if len(parts) == 1:
        return Records(*parts[0], rest)
    return Records(*(np.concatenate(column) for column in zip(*parts)), rest)
