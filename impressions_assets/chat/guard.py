"""Whether a question is one for this channel, and if not, why not.

Rules come first: who asks to set the rules aside gets no answer, what matches a pattern of the
channel does, and greetings and questions about the person do not. Then the words are weighed, and
example questions, where there are any, correct that.
"""

import gzip
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec
from ruamel.yaml import YAML

from impressions_assets.chat.encoder import Encoder
from impressions_assets.chat.lessons import NO_VECTOR, Lessons
from impressions_assets.chat.scope import Evidence, Scope
from impressions_assets.chat.words import analyzer_of, raw_words

ANSWER = (
    "That seems to be outside of what this channel talks about. Ask me about its subjects, and I"
    " will gladly answer."
)
_NOTHING = "no word of it tells a subject"
_LONGEST = 2000  # characters of a question that are looked at
# What the figures of Evidence weigh; the first number is added.
_WEIGHTS = {
    "text": (-0.47, 0.75, 0.11, 1.91, 0.0, 0.92, -2.24),
    "reference": (-0.31, 0.4, 0.29, 1.26, 0.39, -16.68, 3.48),
    "keywords": (-1.52, 1.41, 1.17, 1.55, 2.37, -2.38, 0.65),
}
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
        |thank\ you|cheers|goodbye|nice\ to\ (?:meet|see)\ you|hallo|danke
        |guten\ (?:tag|morgen|abend)|bonjour|salut|merci|hola|gracias|ciao|grazie)\b
    |^\W*(?:ok(?:ay)?|yes|no)\W*(?:\w+\W*){0,2}$
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
    tells_nothing: bool = False
    """Whether no word told anything, as in what only follows on from something before."""


class Guard:
    """Decides which questions are for a channel."""

    def __init__(
        self,
        scope: Scope,
        patterns: Sequence[str] = (),
        answer: str = "",
        other_patterns: Sequence[str] = (),
        examples: Sequence[tuple[str, bool]] = (),
        classes: Mapping[str, str] | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        """Take what the channel talks about, regular expressions, and what others are told.

        Args:
            scope: what is learned, and keywords.
            patterns: a question that one is found in belongs.
            answer: what those are told whose question does not; ours when it is empty.
            other_patterns: a question that one is found in does not belong; they go first.
            examples: questions, and whether they belong.
            classes: words with spaces between them, by what they name, for what examples teach.
            encoder: tells what a question means, for what examples teach.
        """
        self.scope = scope
        self.answer = answer or ANSWER
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._others = [re.compile(pattern) for pattern in other_patterns]
        self._encoder = encoder
        self._lessons = self._learned(examples, classes or {}) if examples else None

    def judge(self, question: str) -> Verdict:
        """Decide, and say why."""
        asked = " ".join(question[:_LONGEST].split())
        return self.by_rule(asked) or self._weighed(asked)

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

    def _weighed(self, asked: str) -> Verdict:
        mended = self.scope.mended(asked)
        evidence = self.scope.evidence(mended)
        tells = bool(evidence.ours or evidence.theirs)
        if not tells and not (self._lessons and self._encoder and any(raw_words(asked))):
            return Verdict(False, 0.0, _NOTHING, tells_nothing=True)
        odds = told = self._odds(evidence)
        if self._lessons:
            vector = self._encoder(asked) if self._encoder else NO_VECTOR
            odds += self._lessons(mended, evidence.figures, vector)
        reason = _reason(evidence) if tells else _NOTHING
        if not tells or (told >= 0) != (odds >= 0):
            reason += f"; but questions like it {'belong' if odds >= 0 else 'do not'}"
        probability = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))
        return Verdict(odds >= 0, probability, reason, tells_nothing=not tells)

    def _odds(self, evidence: Evidence) -> float:
        first, *weights = _WEIGHTS[self.scope.learned_from]
        sum_of = sum(w * figure for w, figure in zip(weights, evidence.figures, strict=True))
        return max(-30.0, min(30.0, first + sum_of))

    def _learned(
        self, examples: Sequence[tuple[str, bool]], classes: Mapping[str, str]
    ) -> Lessons | None:
        asked, found = [], []
        for one, belongs in examples:
            if self.by_rule(one) is None:
                mended = self.scope.mended(one)
                evidence = self.scope.evidence(mended)
                asked.append(one)
                found.append((mended, evidence.figures, self._odds(evidence), belongs))
        if not found:
            return None
        analyze = analyzer_of(self.scope.languages[0])
        named = {name: words.split() for name, words in classes.items()}
        vectors = self._encoder.kept(asked) if self._encoder else None
        return Lessons(analyze, found, named, vectors)


@cache
def preset_named(name: str) -> dict[str, Any]:
    """A preset's keywords, patterns and answer, under the settings' names."""
    text = files(__package__).joinpath(f"presets/{name}.yaml").read_text("utf-8")
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


@cache
def examples_of(name: str) -> tuple[tuple[str, bool], ...]:
    """A preset's example questions, and whether they belong."""
    text = files(__package__).joinpath(f"presets/{name}.txt").read_text("utf-8")
    return tuple((one, kind.startswith("in:")) for one, kind in labelled_in(text))


@cache
def reference_of(name: str) -> Scope:
    """The words of what is written on a preset's subject, counted."""
    packed = files(__package__).joinpath(f"presets/{name}.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(packed), type=Scope)


def labelled_in(text: str) -> Iterator[tuple[str, str]]:
    """Questions, one a line, each with the heading above it: `in: …` or `out: …`."""
    kind = ""
    for line in text.splitlines():
        if line.startswith("## "):
            kind = line.removeprefix("## ")
        elif not line.startswith("#"):
            yield line, kind


def _reason(evidence: Evidence) -> str:
    here, elsewhere = (", ".join(words[:4]) or "none" for words in (evidence.ours, evidence.theirs))
    return f"words of this subject: {here}; of others: {elsewhere}"
