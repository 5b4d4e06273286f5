"""What is wrong with a value, in the user's words instead of pydantic's."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic_core import ErrorDetails

# By pydantic's name of the error. {expected}, {ge} and the like are pydantic's too.
_WORDS = {
    "literal_error": "is not allowed; write {expected}",
    "missing": "is missing",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list, such as [a, b]",
    "string_type": "must be text",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_type": "is not a whole number",
    "int_parsing_size": "is too large a number",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "greater_than_equal": "is too small: the least is {ge}",
    "greater_than": "is too small: it must be above {gt}",
    "less_than_equal": "is too large: the most is {le}",
    "less_than": "is too large: it must be below {lt}",
    "value_error": "{error}",
}


def said_of(item: ErrorDetails) -> str:
    """Say what is wrong with the value, and the value itself where the words do not hold it."""
    kind, value = item["type"], item["input"]
    words = "is not a date; write YYYY-MM-DD" if kind.startswith("date") else _WORDS.get(kind)
    said = (words or item["msg"]).format_map(item.get("ctx", {}))
    whole = isinstance(value, Mapping) and kind in ("value_error", "missing")
    told = whole or kind == "too_short" or (kind == "value_error" and repr(value) in said)
    return said if told else f"{shown(value)} {said}"


def shown(value: object) -> str:
    """A value as an error shows it: short, a number bare, and a mapping only as its keys."""
    if isinstance(value, Mapping):
        return "a mapping of " + (", ".join(map(str, value)) or "nothing")
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, str) and _is_number(value):
        return value
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def meant(word: str, allowed: Iterable[str]) -> str:
    """`did you mean …? ` when one is near; capital letters may be wrong."""
    spelled = {one.casefold(): one for one in allowed}
    close = get_close_matches(word.casefold(), spelled, n=1)
    return f"did you mean {spelled[close[0]]}? " if close else ""


def _is_number(value: str) -> bool:
    """Whether it is written as a number: the file's reader leaves all values as text."""
    try:
        float(value)
    except ValueError:
        return False
    return value == value.strip() and len(value) <= 80
