"""Writes the demo channel as the archive that yt-dlp leaves: `<id>.info.json` and its captions.

The talks are Markdown (see talks.py). Here they get what an uploader and YouTube add: a description
with the list of chapters or questions in the talk's own style, links, a licence line; dates, tags,
duration, and the names of the tracks. The same talks give the same bytes.
"""

import json
from pathlib import Path

from impressions_assets.demo.talks import FOLDER, ListStyle, Talk, read_talks
from impressions_assets.demo.tracks import WRITERS, Speech, fit, speak

LICENSE = "MIT, part of the Impressions project"
CHANNEL = {
    "channel": "Impressions",
    "channel_id": "UCimpressionsDemoChannel",
    "uploader": "Impressions",
    "uploader_id": "@impressions",
}
HEADINGS = {
    "en": {"talk": "Chapters:", "session": "Questions:"},
    "de": {"talk": "Kapitel:", "session": "Fragen:"},
}
STAMPED: dict[ListStyle, str] = {
    "dash": "{time} - {title}",
    "plain": "{time} {title}",
    "brackets": "[{padded}] {title}",
    "parentheses": "({time}) {title}",
    "numbered": "{number}. {time} {title}",
    "title-first": "{title} {time}",
    "bullets": "• {time} {title}",
}


def write_archive(folder: Path, talks: Path = FOLDER) -> int:
    """Write every talk into the folder (made when missing); how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    found = read_talks(talks)
    for talk in found:
        speech = speak(talk.sections)
        tracks = _tracks(talk, speech)
        for name, _, text in tracks:
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        info = json.dumps(_info(talk, speech, tracks), ensure_ascii=False, indent=2)
        path = folder / f"{talk.front.id}.info.json"
        path.write_text(info + "\n", encoding="utf-8", newline="\n")
    return len(found)


def _tracks(talk: Talk, speech: Speech) -> list[tuple[str, bool, str]]:
    """Each caption file: its name, whether a recognizer made it, its text.

    Beside manual captions the automatic ones are named `en-orig`, as YouTube names them.
    """
    front, tracks = talk.front, []
    styles = [style for style in front.captions if style != "none"]
    has_manual = any(not style.startswith("auto-") for style in styles)
    for style in styles:
        automatic = style.startswith("auto-")
        language = f"{front.language}-orig" if automatic and has_manual else front.language
        extension, write = WRITERS[style]
        text = write(speech, front.language)
        tracks.append((f"{front.id}.{language}.{extension}", automatic, text))
    for language, other in talk.translations.items():
        text = WRITERS["vtt"][1](fit(speak(other.sections), speech), language)
        tracks.append((f"{front.id}.{language}.vtt", False, text))
    return tracks


def _info(talk: Talk, speech: Speech, tracks: list[tuple[str, bool, str]]) -> dict[str, object]:
    front = talk.front
    url = f"https://example.org/watch?v={front.id}"
    info: dict[str, object] = {
        "id": front.id,
        "title": front.title,
        **CHANNEL,
        "description": _description(talk, speech),
        "duration": speech.duration_ms // 1000,
        "upload_date": front.published.strftime("%Y%m%d"),
        "tags": list(front.tags),
        "language": front.language,
        "license": LICENSE,
        "webpage_url": url,
        "availability": "public",
        "live_status": "not_live",
        "subtitles": _named(url, [name for name, automatic, _ in tracks if not automatic]),
        "automatic_captions": _named(url, [name for name, automatic, _ in tracks if automatic]),
    }
    if front.chapters == "youtube":
        info["chapters"] = _chapters(talk, speech)
    return info


def _named(url: str, files: list[str]) -> dict[str, list[dict[str, str]]]:
    named: dict[str, list[dict[str, str]]] = {}
    for name in files:
        _, language, extension = name.rsplit(".", 2)
        track = {"ext": extension, "url": f"{url}&lang={language}&fmt={extension}"}
        named.setdefault(language, []).append(track)
    return named


def _chapters(talk: Talk, speech: Speech) -> list[dict[str, object]]:
    starts = [start / 1000 for start in speech.section_starts_ms]
    ends = [*starts[1:], speech.duration_ms / 1000]
    return [
        {"start_time": start, "end_time": end, "title": section.title}
        for start, end, section in zip(starts, ends, talk.sections, strict=True)
    ]


def _description(talk: Talk, speech: Speech) -> str:
    """The summary, the list in the talk's style, and what stands under every video."""
    parts = [talk.front.summary.strip()]
    if form := STAMPED.get(talk.front.chapters):
        heading = HEADINGS[talk.front.language][talk.front.kind]
        starts = zip(speech.section_starts_ms, talk.sections, strict=True)
        lines = [
            form.format(
                number=number,
                time=_clock(start),
                padded=f"{_clock(start):0>5}",
                title=section.title,
            )
            for number, (start, section) in enumerate(starts, start=1)
        ]
        parts.append("\n".join([heading, *lines]))
    parts.append(
        "Code and text: https://example.org/impressions\nMore talks: https://example.org/@impressions"
    )
    parts.append(f"Licence: {LICENSE}")
    return "\n\n".join(parts)


def _clock(ms: int) -> str:
    minutes, seconds = divmod(ms // 1000, 60)
    return f"{minutes}:{seconds:02}"
