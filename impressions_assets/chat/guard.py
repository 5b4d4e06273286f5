"""Whether a question is one for this channel, and if not, why not.

Rules come first: who asks to set the rules aside gets no answer, what matches a pattern of the
channel does, and greetings and questions about the person do not. Then the words are weighed.
"""

import builtins
import math
import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from impressions_assets.chat.scope import Evidence, Scope
from impressions_assets.errors import ConfigError

ANSWER = (
    "That seems to be outside of what this channel talks about. Ask me about its subjects, and I"
    " will gladly answer."
)
_KINDS = (str, list, dict, set, tuple, int, float, bytes)
_NOTHING = "no word of it tells a subject"
_LONGEST = 2000  # characters of a question that are looked at
# What the figures of Evidence weigh; the first number is added.
_OF_TEXT = (-1.61, 1.65, 1.23, 2.09, 0.0, -1.66, -2.66)
_OF_KEYWORDS = (-1.52, 1.41, 1.17, 1.55, 2.37, -2.38, 0.65)
_SETS_ASIDE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:instructions?|rules?|prompts?)\b"
    r"|\bsystem prompt\b|^\W*(?:system|assistant|developer)\s*:|\byou are now\b"
    r"|(?:^|[.,!:]|\band) *(?:please )?(?:pretend|act|answer|behave|respond) (?:as|that|like)\b"
    r"|\brepeat (?:the|everything|all)\b.{0,20}\b(?:above|before)\b"
    r"|\bi know (?:that )?you (?:only|just)\b|\bjailbreak|\bno restrictions\b|<\|\w+\|>",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"""^\W*(?:hi|hello|hey|good\ (?:morning|day|afternoon|evening|night)|greetings|thanks?|bye
        |thank\ you|cheers|goodbye|ok(?:ay)?|yes|no|nice\ to\ (?:meet|see)\ you|hallo|danke
        |guten\ (?:tag|morgen|abend)|bonjour|salut|merci|hola|gracias|ciao|grazie)\b
    |^\W*who\ are\ you\b
    |\b(?:how|what|who|where|when|why|are|were|do|did|have|will|can)\b.{0,20}\byou\b.{0,12}
        \b(?:old|married|single|human|robot|real|from|born|live|grow\ up|grew\ up|earn|buy|bought
        |come|feel|love|marry|do|today)\W*(?:\b(?:in|at|on|that|to|with|here|this|your)\b.*)?$
    |\byour\ (?:\w+\ )?(?:name|age|birthday|wife|husband|girlfriend|boyfriend|children|kids|family
        |salary|hobby|hobbies|camera|microphone|favou?rite|house|phone\ number|address)\b
    |\b(?:tell|sing|write)\ (?:me\ |us\ )?(?:a|another|some)?\ ?(?:joke|poem|song|story)\b
    |\bi\ (?:feel|am|love|hate|like)\ (?:so\ |very\ )?(?:you|sad|happy|lonely|tired|bored)\b""",
    re.IGNORECASE | re.VERBOSE,
)


class Verdict(NamedTuple):
    """What is decided of a question; `probability` is how likely it belongs."""

    in_scope: bool
    probability: float
    reason: str

    @property
    def tells_nothing(self) -> bool:
        """Whether no word told anything, as in what only follows on from something before."""
        return self.reason == _NOTHING


class Guard:
    """Decides which questions are for a channel."""

    def __init__(
        self,
        scope: Scope,
        patterns: Sequence[str] = (),
        answer: str = "",
        other_patterns: Sequence[str] = (),
    ) -> None:
        """Take what the channel talks about, regular expressions, and what others are told.

        Args:
            scope: what is learned, and keywords and examples.
            patterns: a question that one is found in belongs.
            answer: what those are told whose question does not; ours when it is empty.
            other_patterns: a question that one is found in does not belong; they go first.
        """
        self.scope = scope
        self.answer = answer or ANSWER
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._others = [re.compile(pattern) for pattern in other_patterns]

    def judge(self, question: str) -> Verdict:
        """Decide, and say why."""
        asked = " ".join(question[:_LONGEST].split())
        return self.by_rule(asked) or self._weighed(self.scope.evidence(asked))

    def by_rule(self, asked: str) -> Verdict | None:
        """Decide by rules alone; None when none applies."""
        if _SETS_ASIDE.search(asked):
            return Verdict(False, 0.0, "it asks to set the rules aside")
        for pattern in self._others:
            if found := pattern.search(asked):
                return Verdict(False, 0.0, f"{found[0]!r} is of another subject")
        for pattern in self._patterns:
            if found := pattern.search(asked):
                return Verdict(True, 1.0, f"{found[0]!r} is of this subject")
        if _TALK.search(asked):
            return Verdict(False, 0.0, "it greets, or is about the person")
        return None

    def _weighed(self, evidence: Evidence) -> Verdict:
        if not (evidence.ours or evidence.theirs):
            return Verdict(False, 0.0, _NOTHING)
        first, *weights = _OF_TEXT if self.scope.has_text else _OF_KEYWORDS
        sum_of = sum(w * figure for w, figure in zip(weights, evidence.figures, strict=True))
        probability = 1 / (1 + math.exp(-max(-30.0, min(30.0, first + sum_of))))
        return Verdict(probability >= 0.5, probability, _reason(evidence))


@cache
def preset_named(name: str) -> dict[str, Any]:
    """A preset's keywords, patterns, example questions and answer, under the settings' names."""
    text = files(__package__).joinpath(f"presets/{name}.yaml").read_text("utf-8")
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


def reference_of(name: str) -> list[tuple[str, str]]:
    """What a preset reads up on its subject: Python's own documentation, which comes with it."""
    if name != "python":
        return []
    try:
        topics: dict[str, str] = import_module("pydoc_data.topics").topics
    except ImportError as error:
        raise ConfigError(
            f"the preset python reads Python's documentation, which this installation lacks"
            f" ({error}): install the package of Python's standard library as a whole"
        ) from error
    described = [*vars(builtins).values(), *(one for kind in _KINDS for one in vars(kind).values())]
    docs = (getattr(one, "__doc__", None) for one in described)
    return [(text, "en") for text in (*topics.values(), *docs) if isinstance(text, str)]


def _reason(evidence: Evidence) -> str:
    here, elsewhere = (", ".join(words[:4]) or "none" for words in (evidence.ours, evidence.theirs))
    return f"words of this subject: {here}; of others: {elsewhere}"
