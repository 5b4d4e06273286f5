"""Speaker marks in captions become speakers.

- `<v Name>text`: Name, to the end of the cue or the next such mark;
- `[SPEAKER_00]: text`: SPEAKER_00, and any bracketed name before a colon, until the next mark;
- `>> The Name: text`: the name, if its words begin with capitals, until the next mark;
- `>> text`: `turn 1`, `turn 2`, …, until the next mark;
- `NAME: text`: NAME, unless the text is in capitals too, until the next mark.

A bare `>>` says that another person speaks, not who: giving each turn a label of its own keeps
where one ends, and claims nothing about who came back.
"""

import re

from impressions_assets.speech.markup import clean

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]([^<>]+)>", re.I)
_TURN = re.compile(r"(?:^|(?<=\s))>>+\s*")
_LABEL = re.compile(r"\[([^\[\]\n]{1,40})\]\s*:\s*|\[(SPEAKER_\d+)\]\s*|(SPEAKER_\d+)\s*:\s*")
_NAME = re.compile(r"((?:[^\W\d_][\w.'’-]*)(?: [\w.'’-]+){0,3}):\s+")


class SpeakerReader:
    """Follows the marks through one track; feed it the cues in order."""

    def __init__(self) -> None:
        self._speaker: str | None = None
        self._num_turns = 0

    @property
    def speaker(self) -> str | None:
        """Who speaks a cue that has no mark."""
        return self._speaker

    def turns_of(self, text: str) -> list[tuple[str | None, str]]:
        """Split a cue's text at its marks: (speaker, clean text) for each turn with words."""
        pieces = _VOICE.split(text)
        turns = self._plain_turns(pieces[0])
        for name, spoken in zip(pieces[1::2], pieces[2::2], strict=True):
            turns.append((clean(name), clean(spoken)))
        return [(speaker, spoken) for speaker, spoken in turns if spoken]

    def _plain_turns(self, text: str) -> list[tuple[str | None, str]]:
        first, *others = _TURN.split(clean(text))
        turns = [self._named(first, any_case=False)] if first else []
        for spoken in others:
            self._num_turns += 1
            self._speaker = f"turn {self._num_turns}"
            turns.append(self._named(spoken, any_case=True))
        return turns

    def _named(self, text: str, *, any_case: bool) -> tuple[str | None, str]:
        """Take the name off the front of a turn, if it has one."""
        label = _LABEL.match(text)
        if label is None:
            label = _NAME.match(text)
            if label and not (_is_title(label[1]) if any_case else _is_capitals(label, text)):
                label = None
        if label is None:
            return self._speaker, text.strip()
        self._speaker = next(name for name in label.groups() if name)
        return self._speaker, text[label.end() :].strip()


def _is_title(name: str) -> bool:
    """Whether each word begins as names do: `>> Remember this: …` names nobody."""
    return all(word[0].isupper() or word[0].isdigit() for word in name.split())


def _is_capitals(label: re.Match[str], text: str) -> bool:
    """Whether `NAME:` is a name: in a track all in capitals, any word before a colon would be."""
    return len(label[1]) > 1 and label[1].isupper() and not text[label.end() :].isupper()
