"""Cuts text into records before an engine reads it: docs/operators.md, "Framing". Equal to glue/framer.ts, record by record."""

import hashlib

import numpy as np

from executors.record_scanner import AFTER_RETURN, ESCAPED, QUOTED, RecordScanner
from executors.windows import cut

WINDOW_BYTES = 8 << 20

_LF = 10
_CR = 13
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class FramingResult:
    """What framing found; `needs_copy` where an engine that reads the bytes as they are would read something else."""

    def __init__(self, records, malformed, needs_copy, open_quote):
        self.records = records
        self.malformed = malformed
        self.needs_copy = needs_copy
        self.open_quote = open_quote


def scanner_of(framing):
    """The exact machine for a plan's framing."""
    return RecordScanner(framing["delimiter"], framing["quote"], framing["escape"])


def placeholder_of(framing):
    """A line of empty fields, for what stands in the place of a record that cannot be split."""
    empty = ""
    if framing["columns"] == 1:
        empty = "{}" if framing["columnCode"] == "malformed_json" else "-"
    return (empty + framing["delimiter"] * (framing["columns"] - 1) + "\n").encode()


class Framer:
    """Takes bytes by `push`, ends by `end`. Memory is bounded by a window and one record.

    `on_malformed(record_number, code, raw, sha256)` gets every record that cannot be split, `write(bytes)` the others, one line feed
    behind each, with a placeholder for every malformed one. `header` says whether the first record is one, `records` how many
    there are before, and `marked` whether a byte order mark may come first.
    """

    def __init__(self, framing, on_malformed, write=None, header=None, records=0, marked=True, window_bytes=WINDOW_BYTES):
        self._framing = framing
        self._scanner = scanner_of(framing)
        self._placeholder = placeholder_of(framing)
        self._on_malformed = on_malformed
        self._write = write
        self._window_bytes = window_bytes
        self._header_pending = framing["header"] if header is None else header
        self._pending = []
        self._pending_bytes = 0
        self._started = not marked
        self._overlong = None
        self._head = b""
        self._dropped = None
        self._first_record = records
        self._records = records
        self._malformed = 0
        self._line_feeds = False
        self._return_line_feeds = False
        self._returns = False
        self._blank_before_header = False

    @property
    def needs_copy(self):
        """True as soon as an engine that reads the file as it is would read something else."""
        mixed = self._line_feeds and self._return_line_feeds
        return self._malformed > 0 or mixed or self._returns or self._blank_before_header

    def push(self, chunk):
        """Takes the next bytes."""
        self._pending.append(chunk)
        self._pending_bytes += len(chunk)
        if self._pending_bytes >= self._window_bytes:
            self._scan(False)

    def end(self):
        """Ends the file. Returns a FramingResult."""
        window = self._scan(True)
        open_quote = self._end_last(window)
        return FramingResult(self._records - self._first_record, self._malformed, self.needs_copy, open_quote)

    def _scan(self, final):
        """Handles all complete records of what is pending; what is left is pending again, and returned."""
        window = b"".join(self._pending)
        start = 0
        if not self._started:
            if len(window) < 3 and not final:
                return window
            self._started = True
            start = 3 if window.startswith(_BYTE_ORDER_MARK) else 0
        if self._overlong is not None:
            start = self._skip_overlong(window)
        if self._overlong is None:
            records = cut(self._scanner, window, start, final)
            self._take(window, records)
            start = records.rest
            if len(window) - start > max(self._framing["maxRecordBytes"], self._framing["maxRawBytes"]) + 2:
                self._head = window[start : start + self._framing["maxRawBytes"]]
                self._dropped = hashlib.sha256()
                self._overlong = self._scanner.scan(window, start)
                self._drop(window, start)
                start = len(window)
        rest = window[start:]
        self._pending = [rest]
        self._pending_bytes = 0
        return rest

    def _skip_overlong(self, window):
        """Looks for the end of a record of which only the beginning was kept. Returns where reading goes on."""
        last = self._overlong
        found = self._scanner.scan(window, 0, last.state, last.columns, last.malformed, last.spans_lines)
        if found.end < 0:
            self._overlong = found
            self._drop(window, 0)
            return len(window)
        self._dropped.update(window[: max(0, found.end - found.terminator)])
        self._end_overlong(found.terminator, found.end > 0 and window[found.end - 1] == _LF)
        return found.end

    def _drop(self, window, start):
        """Hashes what is dropped. A carriage return at the end belongs to the line's end, whatever follows."""
        self._dropped.update(window[start : len(window) - (self._overlong.state == AFTER_RETURN)])

    def _end_overlong(self, terminator, line_feed):
        self._overlong = None
        self._note_line_end(terminator, line_feed)
        if self._header_pending:
            self._header_pending = False
            self._copy(self._placeholder)
            return
        self._records += 1
        self._report(self._records, "row_too_long", self._head, self._dropped)

    def _note_line_end(self, terminator, line_feed):
        self._return_line_feeds |= terminator == 2
        self._line_feeds |= terminator == 1 and line_feed
        self._returns |= terminator == 1 and not line_feed

    def _end_last(self, rest):
        """The record that the file ends in, if there is one."""
        last = self._overlong
        if last is not None:
            if last.state == AFTER_RETURN:
                self._end_overlong(1, False)
                return False
            self._end_overlong(0, False)
            return last.state in (QUOTED, ESCAPED) and last.spans_lines
        if not rest:
            return False
        last = self._scanner.scan(rest, 0)
        is_open = last.state in (QUOTED, ESCAPED)
        code = "malformed_quote" if last.malformed else "unclosed_quote" if is_open else None
        if self._header_pending:
            self._header_pending = False
            self._copy(rest + b"\n")
        else:
            self._records += 1
            code = self._code_of(rest, code, last.columns)
            if code is None:
                self._copy(rest + b"\n")
            else:
                self._report(self._records, code, rest)
        return is_open and last.spans_lines

    def _code_of(self, record, code, columns):
        if len(record) > self._framing["maxRecordBytes"]:
            return "row_too_long"
        if code is not None:
            return code
        if not _is_text(record):
            return "bad_encoding"
        return None if columns == self._framing["columns"] else self._framing["columnCode"]

    def _report(self, number, code, record, whole=None):
        """`whole` is the hash of a record of which only the beginning is given."""
        self._malformed += 1
        raw = record[: self._framing["maxRawBytes"]].decode("utf-8", "replace")
        self._on_malformed(number, code, raw, (whole or hashlib.sha256(record)).hexdigest())
        self._copy(self._placeholder)

    def _copy(self, content):
        if self._write is not None:
            self._write(content)

    def _take(self, window, records):
        """Counts, judges and copies the complete records of a window."""
        total = len(records.ends)
        if total == 0:
            return
        lengths = records.stops - records.starts
        blank = lengths == 0
        first = int(np.argmin(blank)) if self._header_pending and not blank.all() else None
        if self._header_pending and blank[0]:
            self._blank_before_header = True
        counted = ~blank
        if first is not None:
            counted[first] = False
            self._header_pending = False
        self._note_line_ends(window, records)
        codes = self._codes(window, records, lengths, counted)
        numbers = self._records + np.cumsum(counted)
        self._records = int(numbers[-1])
        if self._write is not None:
            self._copy_records(window, records, blank, numbers, codes)
            return
        for index, code in codes:
            self._report(int(numbers[index]), code, _raw(window, records, index))

    def _note_line_ends(self, window, records):
        terminators = records.ends - records.stops
        last = np.frombuffer(window, dtype=np.uint8)[records.ends - 1]
        self._return_line_feeds = self._return_line_feeds or bool((terminators == 2).any())
        self._line_feeds = self._line_feeds or bool(((terminators == 1) & (last == _LF)).any())
        self._returns = self._returns or bool((last == _CR).any())

    def _codes(self, window, records, lengths, counted):
        """(index, code) of every malformed record, in order."""
        framing = self._framing
        too_long = lengths > framing["maxRecordBytes"]
        other_columns = records.columns != framing["columns"]
        suspects = too_long | records.malformed | other_columns
        if not _is_text(window[int(records.starts[0]) : int(records.ends[-1])]):
            suspects[:] = True
        codes = []
        for index in np.flatnonzero(suspects & counted):
            if too_long[index]:
                codes.append((index, "row_too_long"))
            elif records.malformed[index]:
                codes.append((index, "malformed_quote"))
            elif not _is_text(window[records.starts[index] : records.stops[index]]):
                codes.append((index, "bad_encoding"))
            elif other_columns[index]:
                codes.append((index, framing["columnCode"]))
        return codes

    def _copy_records(self, window, records, blank, numbers, codes):
        """Writes the records with one line feed behind each, in a few large pieces."""
        bytes_ = np.frombuffer(window, dtype=np.uint8)
        keep = None
        returned = records.ends[(records.ends - records.stops) == 2] - 2
        alone = records.ends[bytes_[records.ends - 1] == _CR] - 1
        if len(returned) > 0 or blank.any():
            keep = np.ones(len(bytes_), dtype=bool)
            keep[returned] = False
            for index in np.flatnonzero(blank):
                keep[records.starts[index] : records.ends[index]] = False
        if len(alone) > 0:
            bytes_ = bytes_.copy()
            bytes_[alone] = _LF
        position = int(records.starts[0])
        for index, code in codes:
            self._copy_bytes(bytes_, keep, position, int(records.starts[index]))
            self._report(int(numbers[index]), code, _raw(window, records, index))
            position = int(records.ends[index])
        self._copy_bytes(bytes_, keep, position, int(records.ends[-1]))

    def _copy_bytes(self, bytes_, keep, start, end):
        if end > start:
            piece = bytes_[start:end] if keep is None else bytes_[start:end][keep[start:end]]
            self._write(piece.tobytes())


def _raw(window, records, index):
    return window[int(records.starts[index]) : int(records.stops[index])]


def _is_text(content):
    """UTF-8 without NUL characters."""
    if b"\0" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
