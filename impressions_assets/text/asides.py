"""Drops asides: what is said to run a question round or a call, and tells nothing.

"Next question, please.", "Any more questions?", "Can you hear me?", "Thank you, next." An aside is
a whole sentence and nothing else: "The next question is about trees" stays, and so does "Thank
you.", which is part of a conversation. Bracketed sounds such as "[Music]" are no words; cleaning
takes them out of every channel (clean.py).
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import Field

from impressions_assets.rows import Segment
from impressions_assets.text.stretches import Spoken, without
from impressions_assets.transforms import Kept, OnSegments

_LONGEST_CHARACTERS = 120
_NO_WORD = re.compile(r"[^\w']+")
# Per language: words before, what it is about, words behind, and what stands between them; all
# without case and punctuation.
_LANGUAGES = (
    (
        r"ok|okay|so|all right|alright|right|well|yes|yeah|great|good|perfect|thanks|and|now|sorry"
        r"|thank you(?: very much| so much)?|hello|hi|then|um|uh|again",
        r"(?:(?:let's|let us|we(?:'ll| will| can)?|can we|could we|may (?:we|i)|shall we|i'll)"
        r" (?:take|have|get|go to|go on to|move on to|move to|hear|do) |moving on to |go to )?"
        r"(?:the|your|our|one|another|a)? ?(?:very )?(?:next|last|final|one more|one last|another)"
        r" (?:question|speaker|caller)"
        r"|(?:the )?next (?:slide|one|person)(?= please)|(?<=thank you )next|(?<=thanks )next"
        r"|next(?= please)"
        r"|(?:we (?:still )?have|there(?: is|'s)) time for (?:one|a few|a couple)(?: more| last)?"
        r" questions?"
        r"|(?:are there|do (?:we|you|you guys) have|have you got|(?:does )?any(?:one|body)"
        r"(?: else)? (?:have|has|got)|is there|who has)?"
        r" ?(?:any|other|more|further)(?: more| other| further| final| last)? questions?"
        r"(?: (?:(?:(?:on|about) (?:that|this|it) )?(?:so far|at all|up to (?:this|that) point)"
        r"|from (?:the|our|you) ?(?:audience|room|chat|floor)?"
        r"|before (?:we|i) (?:go on|move on|continue|start)))?"
        r"|who has questions|(?:does|did) (?:that|this) answer (?:your|the) question"
        r"|can (?:you|everyone|everybody|you all|you guys|people)(?: all| guys)?"
        r" (?:hear|see) (?:me|us|my screen|my slides|the screen|the slides)"
        r"(?: (?:now|well|clearly|at all|all right|alright|in the back))?"
        r"|am i audible|is (?:the|my|this) (?:mic|microphone|mike|thing) (?:on|working)"
        r"|you(?:'re| are) (?:on mute|muted|still muted)|(?:mic|sound) check"
        r"|(?:can|could) you (?:please )?(?:repeat|say) the question(?: again)?"
        r"|(?:please )?(?:use|wait for|speak into) the (?:mic|microphone)",
        r"please|guys|everyone|everybody|anyone|anybody|then|now|ok|okay"
        r"|thank you|thanks|sir|here|again",
        " ",
    ),
    (
        r"ok|okay|so|gut|ja|und|dann|also|danke(?: schön| sehr)?|vielen dank|entschuldigung|hallo",
        r"(?:die |zur |kommen wir zur )?nächsten? frage|(?<=danke )(?:der |die )?nächste"
        r"|(?:gibt es|haben sie|habt ihr|hat (?:noch )?jemand|sind da)?(?: dazu)?(?: noch)? ?"
        r"(?:noch|weitere|andere|irgendwelche)(?: weitere)? fragen|(?:gibt es|haben sie) fragen"
        r"|(?:könnt ihr|können sie|kann man) (?:mich|uns)(?: alle)?(?: gut)? (?:hören|sehen)"
        r"|(?:hört ihr|hören sie) mich(?: alle)?|ist das (?:mikro|mikrofon) an",
        r"bitte|danke|jetzt|dann|gut|so weit",
        " ",
    ),
    (
        r"ok|okay|alors|bon|bien|oui|et|merci(?: beaucoup)?|pardon|allô|donc",
        r"(?:la )?(?:question suivante|prochaine question)|(?<=merci )(?:au )?suivante?"
        r"|(?:est ce qu'il y a|y a t il|il y a|avez vous|vous avez)? ?d'autres questions"
        r"|(?:est ce qu'il y a|y a t il|avez vous) des questions"
        r"|(?:est ce que )?vous m'entendez(?: bien)?|vous voyez mon écran",
        r"s'il vous plaît|s'il te plaît|merci|maintenant",
        " ",
    ),
    (
        r"ok|okay|bueno|bien|sí|y|entonces|gracias|muchas gracias|perdón|hola",
        r"(?:la )?(?:siguiente|próxima) pregunta|(?<=gracias )(?:el |la )?siguiente"
        r"|(?:hay|tienen|alguien tiene|tienes)? ?(?:alguna(?: otra)?|más|otras?)"
        r" preguntas?(?: más)?"
        r"|(?:me|se) (?:escuchan?|oyen?|oye)(?: bien)?|pueden (?:oírme|escucharme|verme)",
        r"por favor|gracias|ahora",
        " ",
    ),
    (
        r"ok|okay|bom|bem|sim|e|então|obrigad[oa]|muito obrigad[oa]|oi|olá",
        r"(?:a )?próxima pergunta|(?:alguém tem |há |têm )?(?:mais alguma|alguma|mais|outras?)"
        r" perguntas?|(?:vocês )?(?:estão )?me (?:ouvem|ouvindo)(?: bem)?|conseguem me ouvir",
        r"por favor|obrigad[oa]|agora",
        " ",
    ),
    (
        r"ok|okay|bene|allora|sì|e|grazie(?: mille)?|scusate|pronto",
        r"(?:la )?prossima domanda|(?:ci sono )?(?:altre|qualche altra) domand[ae]"
        r"|mi sentite(?: bene)?|riuscite a sentirmi",
        r"per favore|prego|grazie|adesso",
        " ",
    ),
    (
        r"так|хорошо|да|и|ну|спасибо|большое спасибо|итак",
        r"следующий вопрос|(?:у кого нибудь )?(?:есть )?(?:ещё|еще) (?:есть )?вопросы"
        r"|(?:меня (?:хорошо )?слышно|вы меня слышите|слышно меня)",
        r"пожалуйста|спасибо",
        " ",
    ),
    (
        r"好|好的|谢谢|那么|那|ok|はい|では|それでは|ありがとうございます|ありがとうございました",
        r"(?:请问?)?下一个问题|(?:大家)?(?:还)?有(?:其他|什么|没有)?问题吗"
        r"|(?:大家)?(?:能)?听得?到(?:我)?(?:说话)?吗|次の(?:ご)?質問(?:を)?(?:お願いします|どうぞ)?"
        r"|(?:他に|ほかに)?(?:何か)?(?:ご)?質問(?:は)?(?:ありますか|ございますか)|聞こえますか",
        r"请|谢谢|お願いします|どうぞ",
        " ?",
    ),
)
_ASIDE = re.compile(
    "|".join(
        rf"(?:(?:{before}){gap})*(?:{about})(?:{gap}(?:{behind}))*"
        for before, about, behind, gap in _LANGUAGES
    )
)


class DropAsides(OnSegments):
    """Sentences that only run a question round or a call, in nine languages."""

    name: ClassVar[str] = "drop_asides"
    phrases: tuple[Annotated[str, Field(min_length=1, pattern=r"\w")], ...] = Field(
        default=(), description="a list of sentences of your own that go too, whatever their case"
    )

    def on_segments(self, segments: Sequence[Segment]) -> Kept[Segment]:
        """The talk without its asides."""
        return without(segments, self._reasons)

    def _reasons(self, sentences: Sequence[Spoken]) -> list[str]:
        return ["aside" if self._is_aside(sentence.text) else "" for sentence in sentences]

    def _is_aside(self, text: str) -> bool:
        if len(text) > _LONGEST_CHARACTERS and not self.phrases:
            return False
        words = _words(text)
        is_short = len(words) <= _LONGEST_CHARACTERS
        return words in self._phrases or (is_short and _ASIDE.fullmatch(words) is not None)

    @cached_property
    def _phrases(self) -> frozenset[str]:
        return frozenset(map(_words, self.phrases))


def _words(text: str) -> str:
    """The words alone: no case, no punctuation, one apostrophe."""
    folded = unicodedata.normalize("NFC", text.casefold()).replace("’", "'")
    return _NO_WORD.sub(" ", folded).strip()
