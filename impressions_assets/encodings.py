"""Bytes of unknown encoding become text: UTF-8, UTF-16 with a mark, else Windows-1252.

Shared by the rooms that read foreign files (`sources`, `speech`). It knows nothing of what the
text means; a NUL byte is left for the caller, who knows whether it is a flaw or a binary file.
"""

import codecs
import re

from impressions_assets.errors import SourceBroken

_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0e-\x1f\x7f]")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_text(data: bytes) -> str:
    """Decode `data`; an incomplete character at the very end (a file cut short) is left out.

    Raises SourceBroken when the bytes make sense in none of the encodings.
    """
    if data.startswith(_UTF16_MARKS):
        return codecs.getincrementaldecoder("utf-16")("replace").decode(data)
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return _decode_damaged(data)


def _decode_damaged(data: bytes) -> str:
    """Decode what is not UTF-8: mostly UTF-8 with a few bad bytes, or Windows-1252."""
    replaced = data.decode("utf-8", "replace")
    num_bad = replaced.count("\ufffd")
    num_good = sum(character > "\x7f" for character in replaced) - num_bad
    if num_good > num_bad:
        return replaced
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise SourceBroken(_UNREADABLE) from error
    if _CONTROLS.search(text) or num_bad > len(text) * 0.3:
        raise SourceBroken(_UNREADABLE)
    return text


_UNREADABLE = (
    "the bytes are neither UTF-8, nor UTF-16 with a byte order mark, nor Windows-1252 text: "
    "save the file as UTF-8"
)
