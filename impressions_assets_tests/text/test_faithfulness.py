"""What a rewrite may not do, on three paragraphs of a talk and what models make of them."""

import pytest

from impressions_assets.text.faithfulness import problem_in

TALK = {
    "p0": "so um we we take the flour and the water and you know a pinch of salt and then we just "
    "knead it i mean really knead the dough for like ten minutes until it gets elastic and doesn't "
    "stick to your fingers any more that's that's the whole secret of it",
    "p1": "and then the yeast needs warmth right so you cover the bowl with a towel put it near "
    "the stove or a radiator and you wait about two hours the volume doubles because of the carbon "
    "dioxide that the yeast is producing while it eats the sugar",
    "p2": "the oven has to be really hot two hundred and thirty degrees celsius and you throw in a "
    "cup of boiling water for steam that makes the crust shiny and crackling okay and don't open "
    "the door in the first quarter of an hour or everything collapses",
}
FAITHFUL = {
    "p0": "We take flour, water and a pinch of salt. Then we knead the dough for ten minutes, "
    "until it becomes elastic and no longer sticks to the fingers. That is the whole secret.",
    "p1": "Then the yeast needs warmth. Cover the bowl with a towel, place it near the stove or a "
    "radiator and wait for about two hours. The volume doubles because of the carbon dioxide that "
    "the yeast produces while it consumes the sugar.",
    "p2": "The oven must be really hot: two hundred and thirty degrees Celsius. Throw in a cup of "
    "boiling water; its steam makes the crust shiny and crackling. Do not open the door in the "
    "first quarter of an hour, or everything collapses.",
}
GERMAN = {
    "p0": "Wir nehmen Mehl, Wasser und eine Prise Salz. Dann kneten wir den Teig zehn Minuten "
    "lang, bis er elastisch wird und nicht mehr an den Fingern klebt. Das ist das ganze Geheimnis.",
    "p1": "Danach braucht die Hefe Wärme. Decken Sie die Schüssel mit einem Tuch ab, stellen Sie "
    "sie an den Herd und warten Sie etwa zwei Stunden, bis sich das Volumen verdoppelt.",
}
CHINESE = {
    "p0": "然后呢我们把面粉和水还有一点盐放在一起就是揉面揉十分钟左右一直到"
    "面团有弹性不粘手为止这就是全部的秘密了",
    "p1": "接下来酵母需要温暖的环境所以要用毛巾盖住碗放在炉子旁边"
    "等大约两个小时体积会变成原来的两倍",
}


def test_faithful_rewrites_are_taken() -> None:
    assert {key: problem_in(TALK, key, FAITHFUL[key]) for key in TALK} == dict.fromkeys(TALK, "")
    said = (
        "我们把面粉、水和一点盐放在一起，揉十分钟左右，直到面团有弹性、不粘手。这就是全部的秘密。"
    )
    assert problem_in(CHINESE, "p0", said) == ""


def test_translations_are_taken_where_they_were_asked_for() -> None:
    assert [problem_in(TALK, key, text, "de") for key, text in GERMAN.items()] == ["", ""]
    assert problem_in(TALK, "p0", GERMAN["p0"], "de-AT") == ""
    assert problem_in(TALK, "p0", GERMAN["p0"], "tlh") == ""  # nobody can tell that it is not


@pytest.mark.parametrize(
    ("key", "after", "language", "told"),
    [
        ("p0", FAITHFUL["p1"], None, "under p1"),
        ("p2", FAITHFUL["p1"], None, "under p1"),
        ("p1", f"{FAITHFUL['p1']} {FAITHFUL['p2'][:150]}", None, "under p2"),
        ("p0", GERMAN["p0"], None, "in de, not en"),
        ("p0", FAITHFUL["p0"], "de", "in en, not de"),
        ("p0", GERMAN["p0"], "fr", "in de, not fr"),
        ("p0", f"<p>{FAITHFUL['p0']}</p>", None, "markup"),
        ("p0", f"## Kneading\n\n{FAITHFUL['p0']}", None, "markup"),
        ("p0", f"**Note:** {FAITHFUL['p0']}", None, "markup"),
        ("p0", f"[Read more](here) {FAITHFUL['p0']}", None, "markup"),
        (
            "p1",
            "Congratulations, valued customer! Somebody generously promised everybody fantastic "
            "discounts today; transfer bitcoins immediately, before midnight, without hesitation.",
            None,
            "something else",
        ),
        (
            "p1",
            "I'm sorry, but I can't help with that request, since copyrighted material shouldn't "
            "be reproduced without permission from its respective owners or their representatives.",
            None,
            "something else",
        ),
    ],
)
def test_what_says_something_else_is_told(
    key: str, after: str, language: str | None, told: str
) -> None:
    assert told in problem_in(TALK, key, after, language)


def test_markup_that_was_spoken_may_be_written() -> None:
    texts = {"p0": "you write <b> and then </b> around it"}
    assert problem_in(texts, "p0", "You write <b>, and then </b> around it.") == ""


def test_neighbours_that_share_their_words_accuse_nobody() -> None:
    texts = {"p0": "the chorus goes round again " * 9, "p1": "the chorus goes round again " * 9}
    assert problem_in(texts, "p0", "The chorus goes round again. " * 5) == ""
