"""Errors that say something about the data, as opposed to the machine."""

import re


class DataError(Exception):
    """The data cannot be taken; `code` is a reason code of the project. The run ends well and says `refused`."""

    def __init__(self, code, message):
        super().__init__("[sluice:%s] %s" % (code, message))
        self.code = code
        self.message = message


_CODED = re.compile(r"\[sluice:([a-z_]+)\] ([^\n]*)")
_ENGINE = re.compile(r"(?:^|Error: |Exception: )((?:Invalid Input|Conversion) Error[^\n]*(?:\n[^\n]*)?)")


def data_error_of(error):
    """The DataError that an exception stands for, also where Spark wrapped its text; None where the machine failed."""
    if isinstance(error, DataError):
        return error
    text = str(error)
    coded = _CODED.search(text)
    if coded is not None:
        return DataError(coded.group(1), coded.group(2))
    engine = _ENGINE.search(text)
    if engine is not None:
        return DataError("malformed_records", engine.group(1).replace("\n", " ")[:500])
    return None
