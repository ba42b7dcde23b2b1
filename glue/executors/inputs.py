"""Makes an input readable for the engine: decompressed, UTF-8, every record with the columns of the header."""

import json
import os

from executors.content import compression_of, content_of
from executors.framing import Framer

MESSAGES = {
    "column_count": "The record has fewer or more columns than the header.",
    "malformed_quote": "Text follows a closing quote.",
    "unclosed_quote": "A quote is open at the end of the file.",
    "bad_encoding": "The record holds bytes that are not valid text.",
    "row_too_long": "The record is longer than the contract allows.",
    "malformed_json": "The record or value is not valid JSON.",
}

_READ_BYTES = 8 << 20


class PreparedInput:
    """A file of well-framed UTF-8 records, and what framing found; `records` is None for formats without lines."""

    def __init__(self, path, records, malformed_path, open_quote):
        self.path = path
        self.records = records
        self.malformed_path = malformed_path
        self.open_quote = open_quote


def file_chunks(path):
    """The bytes of a file, piece by piece."""
    with open(path, "rb") as file:
        while True:
            chunk = file.read(_READ_BYTES)
            if not chunk:
                return
            yield chunk


def frame(chunks, framing, on_malformed=None, write=None, stop_at_copy=False, **place):
    """Frames all chunks; `place` is where in its file they are. With `stop_at_copy` it answers None as soon as the bytes cannot be read as they are."""
    framer = Framer(framing, on_malformed or (lambda *_: None), write, **place)
    for chunk in chunks:
        framer.push(chunk)
        if stop_at_copy and framer.needs_copy:
            return None
    result = framer.end()
    return None if stop_at_copy and result.needs_copy else result


class MalformedRecords:
    """Writes malformed records as JSON lines, in the form in which `sluice_malformed` is read."""

    def __init__(self, path, input_index):
        self._file = open(path, "w", encoding="utf-8")
        self._input_index = input_index

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __call__(self, record_number, code, raw, sha256):
        row = {
            "input_index": self._input_index,
            "record_number": record_number,
            "code": code,
            "message": MESSAGES[code],
            "raw": raw,
            "raw_sha256": sha256,
        }
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_framed(chunks, framing, index, path, malformed_path, prefix=b"", **place):
    """Writes the well-framed records of `chunks` to `path`, placeholders for the others, which go to `malformed_path`."""
    with open(path, "wb", buffering=1 << 20) as copy, MalformedRecords(malformed_path, index) as malformed:
        copy.write(prefix)
        return frame(chunks, framing, malformed, copy.write, **place)


def prepare_input(path, program_input, index, folder):
    """A plain file of well-framed records is left where it is; anything else is copied into `folder`."""
    with open(path, "rb") as file:
        compression = compression_of(file.read(4))
    as_it_is = compression == "none" and program_input["encoding"] == "utf-8"
    copy = os.path.join(folder, "input-%d" % index)
    framing = program_input["framing"]
    if framing is None:
        if as_it_is:
            return PreparedInput(path, None, None, False)
        with open(copy, "wb") as file:
            file.writelines(content_of(file_chunks(path), compression, program_input))
        return PreparedInput(copy, None, None, False)
    if as_it_is:
        clean = frame(file_chunks(path), framing, stop_at_copy=True)
        if clean is not None:
            return PreparedInput(path, clean.records, None, clean.open_quote)
    malformed_path = os.path.join(folder, "malformed-%d.jsonl" % index)
    content = content_of(file_chunks(path), compression, program_input)
    found = write_framed(content, framing, index, copy, malformed_path)
    return PreparedInput(copy, found.records, malformed_path if found.malformed > 0 else None, found.open_quote)
