"""A channel of any size, in the layout that yt-dlp leaves: the same seed, the same bytes.

Words follow Zipf's law over a vocabulary of 20,000 made-up ones, frequent ones short, so that the
tokens that a tokenizer learns, and how many a text takes, are like those of speech.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

_VOCABULARY = 20_000
_ONSETS = (*"bcdfghjklmnprstvw", "st", "tr", "pr", "sh", "th", "ch", "br")
_VOWELS = (*"aeiou", "ai", "ea", "ou", "ee")
_CODAS = ("", *"nrstlm", "nd", "ck", "ng")
_WORDS_PER_CUE = 8
_SECONDS_PER_CUE = 2.6
_SENTENCE_WORDS = 14
_VTT_HEAD = "WEBVTT\nKind: captions\nLanguage: en\n\n"


def write_archive(folder: Path, num_videos: int, words_per_video: int) -> int:
    """Write the videos 0 to n; return the bytes of their captions."""
    folder.mkdir(parents=True, exist_ok=True)
    return sum(write_video(folder, number, words_per_video) for number in range(num_videos))


def write_video(folder: Path, number: int, num_words: int) -> int:
    """Write one video and its captions; return the bytes of the captions."""
    words = words_of(number, num_words)
    num_cues = -(-num_words // _WORDS_PER_CUE)
    captions = _VTT_HEAD + "".join(
        f"{_stamp(cue)} --> {_stamp(cue + 1)}\n"
        f"{' '.join(words[cue * _WORDS_PER_CUE : (cue + 1) * _WORDS_PER_CUE])}\n\n"
        for cue in range(num_cues)
    )
    stem = f"Talk {number} [{video_id(number)}]"
    (folder / f"{stem}.en.vtt").write_text(captions, encoding="utf-8")
    info = _info(number, words, num_cues * _SECONDS_PER_CUE)
    (folder / f"{stem}.info.json").write_text(json.dumps(info), encoding="utf-8")
    return len(captions)


def video_id(number: int) -> str:
    return f"bench{number:06d}"


def words_of(seed: int, num_words: int) -> list[str]:
    """Draw words, with capitals and full stops where sentences begin and end."""
    random = np.random.default_rng(seed)
    forms, cumulative = _vocabulary()
    chosen = np.searchsorted(cumulative, random.random(num_words))
    ends = random.random(num_words) < 1 / _SENTENCE_WORDS
    begins = np.concatenate([[True], ends[:-1]])
    found: list[str] = forms[chosen + _VOCABULARY * (ends + 2 * begins)].tolist()
    return found


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[np.ndarray, np.ndarray]:
    """Return the words in four forms (as is, ending, beginning, both), and Zipf's cumulation."""
    random = np.random.default_rng(1)
    plain = sorted(_made_up(random), key=len)
    forms = [*plain, *(f"{w}." for w in plain)]
    forms += [form.capitalize() for form in forms]
    weights = 1 / (np.arange(_VOCABULARY) + 2.7)
    return np.array(forms, dtype=object), np.cumsum(weights / weights.sum())


def _made_up(random: np.random.Generator) -> set[str]:
    words: set[str] = set()
    while len(words) < _VOCABULARY:
        parts = [
            kind[random.integers(0, len(kind))]
            for _ in range(random.integers(1, 4))
            for kind in (_ONSETS, _VOWELS, _CODAS)
        ]
        words.add("".join(parts))
    return words


def _stamp(cue: int) -> str:
    milliseconds = round(cue * _SECONDS_PER_CUE * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return (
        f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
    )


def _info(number: int, words: list[str], seconds: float) -> dict[str, object]:
    return {
        "id": video_id(number),
        "title": f"Talk {number}: {' '.join(words[:5])}",
        "channel": "Bench",
        "description": "\n".join([" ".join(words[:60]), "", *_lines(number, words, seconds)]),
        "upload_date": f"20{number // 336 % 25:02}{number // 28 % 12 + 1:02}{number % 28 + 1:02}",
        "duration": round(seconds),
        "tags": words[5:15],
        "webpage_url": f"https://www.youtube.com/watch?v={video_id(number)}",
        "subtitles": {"en": [{"ext": "vtt"}]},
        "automatic_captions": {},
    }


def _lines(number: int, words: list[str], seconds: float) -> Iterator[str]:
    """List the chapters; in every tenth video, questions."""
    for part in range(6):
        at = int(seconds * part / 6)
        title = " ".join(words[60 + 4 * part : 64 + 4 * part])
        question = f"What is {title.rstrip('.')}?" if number % 10 == 0 else title
        yield f"{at // 60:02}:{at % 60:02} {question}"
