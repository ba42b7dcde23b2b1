"""Stored bytes as bytes of UTF-8 text (or of Parquet): decompressed and transcoded piece by piece."""

import codecs
import zlib

from executors.errors import DataError

#: Below this much output no ratio is judged.
BOMB_FLOOR_BYTES = 16 << 20
PIECE_BYTES = 1 << 20

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


def compression_of(head):
    """Compression by the first bytes, whatever the name says."""
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD) else "none"


def _gunzip(chunks):
    """All members of a gzip file. What follows the last one and is no member is left out, as gzip itself does."""
    member = zlib.decompressobj(31)
    begun = False
    for chunk in chunks:
        while chunk:
            if member.eof:
                if not chunk.startswith(_GZIP[: len(chunk)]):
                    return
                member = zlib.decompressobj(31)
            try:
                yield member.decompress(chunk, PIECE_BYTES)
                while member.unconsumed_tail:
                    yield member.decompress(member.unconsumed_tail, PIECE_BYTES)
            except zlib.error as error:
                raise DataError("malformed_records", "Cannot decompress: %s" % error) from error
            begun = True
            chunk = member.unused_data
    if begun and not member.eof:
        yield member.flush()
    if begun and not member.eof:
        raise DataError("truncated_upload", "Cannot decompress: unexpected end of file")


def _unzstd(chunks):
    import zstandard

    decompressor = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)
    for chunk in chunks:
        try:
            yield decompressor.decompress(chunk)
        except zstandard.ZstdError as error:
            raise DataError("malformed_records", "Cannot decompress: %s" % error) from error


class _Counted:
    """Chunks of a file, with the number of bytes that were asked for so far."""

    def __init__(self, chunks):
        self._chunks = chunks
        self.total = 0

    def __iter__(self):
        for chunk in self._chunks:
            for start in range(0, len(chunk), PIECE_BYTES):
                piece = chunk[start : start + PIECE_BYTES]
                self.total += len(piece)
                yield piece


def _limited(pieces, stored, ratio):
    produced = 0
    for piece in pieces:
        produced += len(piece)
        if produced > BOMB_FLOOR_BYTES and produced > stored.total * ratio:
            raise DataError(
                "compression_bomb", "Cannot decompress: the content expands by more than %s times" % number_text(ratio)
            )
        yield piece


def number_text(number):
    """A number as JavaScript prints it: without decimals where it has none."""
    return str(int(number)) if float(number).is_integer() else repr(number)


#: What Windows' code page has where Latin-1 has controls; the five bytes that it leaves open stay controls.
_WINDOWS_1252 = {
    byte: bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}


def _transcoded(chunks, encoding):
    if encoding == "windows-1252":
        for chunk in chunks:
            yield chunk.decode("latin-1").translate(_WINDOWS_1252).encode("utf-8")
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    first = encoding != "latin-1"
    for chunk in chunks:
        text = decoder.decode(chunk)
        if first and text:
            text = text[1:] if text[0] == "\ufeff" else text
            first = False
        yield text.encode("utf-8")
    yield decoder.decode(b"", True).encode("utf-8")


def content_of(chunks, compression, program_input):
    """The content of an input, from the chunks of its stored bytes."""
    stored = _Counted(chunks)
    ratio = program_input["compressionRatio"]
    plain = stored
    if compression == "gzip":
        plain = _limited(_gunzip(stored), stored, ratio)
    elif compression == "zstd":
        plain = _limited(_unzstd(stored), stored, ratio)
    encoding = program_input["encoding"]
    return plain if encoding == "utf-8" else _transcoded(plain, encoding)
