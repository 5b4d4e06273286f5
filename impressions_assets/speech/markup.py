"""Takes markup out of a caption's text: tags, entities, position codes, stray controls."""

import html
import re

_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|</?>|<(?:/?c?|[\d:.]+)$")
_POSITION = re.compile(r"\{\\[^{}]*\}")
_INVISIBLE = re.compile(
    r"[\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\x00-\x08\x0b\x0e-\x1f\ud800-\udfff]"
)


def clean(text: str) -> str:
    """One line without markup. YouTube escapes twice (`&amp;#39;`), so entities are undone twice.

    Tags go first, so that an escaped `&lt;` stays a less-than sign.
    """
    if "<" in text:
        text = _TAG.sub("", text)
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "{\\" in text:
        text = _POSITION.sub("", text)
    return " ".join(_INVISIBLE.sub("", text).split())
