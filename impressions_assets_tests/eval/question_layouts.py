"""Ways in which people write a list of questions with times into a description.

Each layout takes the list and gives a whole description: the announcement in front, and what
stands around it. They differ in wording, language, order of time and text, labels and line breaks.
"""

from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap

from impressions_assets.rows import Question
from impressions_assets.text.times import clock

Layout = Callable[[Sequence[Question]], str]

_ABOUT = """A monthly session in which questions from all over the world are answered. Watch it to
the end, and send yours for next time."""
_CHAPTERS = "Chapters:\n0:00 Opening\n0:20 Welcome and news\n0:35 How this evening works"
_BEHIND = """Follow us:
Website: https://www.example.org/talks
Instagram: https://instagram.com/example

About the speaker: a teacher who has answered letters since 1998. New talks every Sunday, 10:30 am.
#talks #questions"""


def layouts() -> dict[str, Layout]:
    """Every layout by its name."""
    return {
        "time first": _lines("Questions:", "{time} {text}"),
        "time last": _lines("TIMESTAMPS OF QUESTIONS", "{text} {time}"),
        "brackets": _lines("Q&A", "[{time}] {text}"),
        "numbered": _lines("Questions answered in this video:", "{number}. ({time}) {text}"),
        "numbers behind the time": _lines("QUESTIONS", "{time} {number}) {text}"),
        "bullets and dashes": _lines("*** Audience questions ***", "• {time} – {text}"),
        "Q1: labels, time last": _lines("Here is what was asked", "Q{number}: {text} ({time})"),
        "Q: labels": _lines("Q & A session", "{time} - Q: {text}"),
        "Question 1 labels": _lines("The questions were:", "{time} Question {number}: {text}"),
        "pipes": _lines("Question timestamps ⬇️", "{time} | {text}"),
        "arrows, time last": _lines("Jump to a question", "{text} -> {time}"),
        "H:MM:SS": lambda asked: _around("Questions:", "\n".join(map(_in_hours, asked))),
        "apart by blank lines": _lines("Questions asked:", "{time} {text}", "\n\n"),
        "no blank line behind": lambda asked: f"Questions:\n{_plain(asked)}\n{_BEHIND}",
        "time on its own line": _lines("Questions:", "{time}\n{text}"),
        "time on its own line, wrapped": _wrapped("Questions", "{time}\n", "{text}", ""),
        "wrapped": _wrapped("Questions:", "{time} ", "{text}", ""),
        "wrapped, indented": _wrapped("Questions:", "{time} ", "{text}", "      "),
        "wrapped, labelled": _wrapped("Q&A:", "{time} Q{number}. ", "{text}", ""),
        "wrapped, time last": _wrapped("Questions:", "", "{text} {time}", ""),
        "Markdown": _lines("## Questions", "- **[{time}](https://youtu.be/x?t={seconds})** {text}"),
        "Markdown, text is the link": _lines(
            "**Questions**", "* [{text}](https://youtu.be/x?t={seconds}) {time}"
        ),
        "Markdown table": _lines(
            "### Questions\n\n| Time | Question |\n|---|---|", "| {time} | {text} |"
        ),
        "HTML breaks": _lines("<b>Questions:</b>", "{time} - {text}<br>"),
        "chapters in front": lambda asked: (
            f"{_ABOUT}\n\n{_CHAPTERS}\n\nQuestions:\n{_plain(asked)}\n\n{_BEHIND}"
        ),
        "shuffled": lambda asked: _around("Questions:", _plain([*asked[1::2], *asked[::2]])),
        "German": _lines("Fragen aus dem Publikum:", "{time} {text}"),
        "Spanish": _lines("Preguntas y respuestas", "{time} - {text}"),
        "French": _lines("Les questions posées :", "{time} : {text}"),
        "Hindi": _lines("प्रश्न:", "{time} {text}"),
        "Japanese": _lines("【質問】", "【{time}】{text}"),
        "Russian, time last": _lines("Вопросы:", "{number}. {text} — {time}"),
        "one line": lambda asked: _flat(_around("Questions:", _plain(asked))),
        "one line, brackets": lambda asked: _flat(_lines("Q&A", "[{time}] {text}")(asked)),
        "one line, nothing behind": lambda asked: _flat(f"{_ABOUT} Questions: {_plain(asked)}"),
        "one line, labels": lambda asked: _flat(
            _lines("Questions asked:", "({time}) Q{number}: {text}")(asked)
        ),
    }


def _around(heading: str, listed: str) -> str:
    return f"{_ABOUT}\n\n{heading}\n{listed}\n\n{_BEHIND}"


def _lines(heading: str, line: str, between: str = "\n") -> Layout:
    return lambda asked: _around(heading, between.join(_filled(line, asked)))


def _filled(line: str, asked: Sequence[Question]) -> Iterator[str]:
    for number, question in enumerate(asked, 1):
        seconds = int(question.start_seconds)
        yield line.format(time=clock(seconds), text=question.text, number=number, seconds=seconds)


def _plain(asked: Sequence[Question]) -> str:
    return "\n".join(_filled("{time} {text}", asked))


def _in_hours(question: Question) -> str:
    minutes, seconds = divmod(int(question.start_seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02} {question.text}"


def _wrapped(heading: str, before: str, text: str, indent: str) -> Layout:
    """Broken after 44 characters, which a phone shows in a line."""

    def layout(asked: Sequence[Question]) -> str:
        heads, bodies = _filled(before, asked), _filled(text, asked)
        listed = [
            head + f"\n{indent}".join(wrap(body, 44, break_long_words=False))
            for head, body in zip(heads, bodies, strict=True)
        ]
        return _around(heading, "\n".join(listed))

    return layout


def _flat(description: str) -> str:
    return " ".join(description.split())
