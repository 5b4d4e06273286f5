"""The page in a real browser: answers stream in, and their sources lead to the second."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("transformers")
pytest.importorskip("playwright")

from impressions_assets.chat.desk import Desk
from impressions_assets.chat.index import Hit
from impressions_assets.chat.passages import Source
from impressions_assets.chat.server.app import make_app
from impressions_assets.chat.server.slots import Limits
from impressions_assets.text.times import link_at
from impressions_assets_tests.chat.taught import taught
from impressions_assets_tests.eval.scope import guard_for
from impressions_assets_tests.eval.search import demo_talks, index_of
from impressions_assets_tests.servers.chat import Parrot, eventually, serving
from impressions_assets_tests.servers.chromium import chromium

browsers = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A tab of a headless Chromium."""
    with browsers.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 900, "height": 760})
        tab.set_default_timeout(60_000)
        yield tab
        browser.close()


def found_in_demo(words: str, most: int) -> list[Source]:
    titles = {talk.document.video_id: talk.title for talk in demo_talks()}
    return [_source(hit, titles) for hit in index_of(demo_talks()).search(words, most)]


def _source(hit: Hit, titles: dict[str, str]) -> Source:
    start = hit.passage.start_seconds or 0.0
    link = link_at(f"https://www.youtube.com/watch?v={hit.video_id}", start)
    passage = hit.passage
    return Source(
        hit.video_id,
        titles[hit.video_id],
        link,
        start,
        passage.end_seconds,
        passage.text,
        hit.score,
    )


def ask(page: Any, question: str) -> Any:
    page.fill("#question", question)
    page.press("#question", "Enter")
    return page.locator(".answer").last


def test_an_answer_streams_in_and_its_sources_are_links_to_the_second(
    page: Any, tmp_path: Path
) -> None:
    pair = min(
        (pair for talk in demo_talks() for pair in talk.pairs if len(pair.answer.split()) > 60),
        key=lambda pair: len(pair.answer),
    )
    model = taught(tmp_path / "model", {pair.question: pair.answer})
    desk = Desk("Demo channel", {"demo": model}, guard_for("demo", ()), found_in_demo)
    with serving(make_app(desk)) as url:
        page.goto(url)
        said = ask(page, pair.question)
        said.locator(".sources").wait_for()
        assert said.locator(".text").text_content() == pair.answer
        hrefs = [link.get_attribute("href") for link in said.locator("a").all()]
        assert len(hrefs) == 3
        assert all("&t=" in href for href in hrefs)
        declined = ask(page, "How do I cook rice?")
        eventually(lambda: "outside" in (declined.text_content() or ""))
        assert declined.locator("a").count() == 0
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=tmp_path / f"chat-{scheme}.png")


def test_what_a_model_says_is_text_and_never_part_of_the_page(page: Any) -> None:
    model = Parrot(word="<img src=x onerror=\"document.title='owned'\">")
    source = Source("v", "<b>bold</b>", "javascript:alert(1)", 1.0, 2.0, "", 1.0)
    desk = Desk("<i>Talks</i>", {"talks": model}, find=lambda _words, _most: [source])
    with serving(make_app(desk, Limits(answer_tokens=1))) as url:
        page.goto(url)
        said = ask(page, "What is it?")
        said.locator(".sources").wait_for()
        assert said.locator("img, b, a").count() == 0
        assert page.title() == "<i>Talks</i>"


def test_the_button_stops_the_model(page: Any) -> None:
    model = Parrot(0.01)
    with serving(make_app(Desk("Talks", {"talks": model}), Limits(answer_tokens=100_000))) as url:
        page.goto(url)
        said = ask(page, "What is it?")
        eventually(lambda: "token" in (said.text_content() or ""))
        page.click("#send")
        eventually(lambda: "Stopped." in (said.text_content() or ""))
        eventually(lambda: page.request.get(f"{url}/health").json()["answering"] == 0)
        spoken = model.num_said
        page.wait_for_timeout(200)
        assert model.num_said == spoken


def test_a_page_without_a_key_asks_for_one(page: Any) -> None:
    with serving(
        make_app(Desk("Talks", {"talks": Parrot()}), Limits(answer_tokens=2), ["sesame"])
    ) as url:
        page.once("dialog", lambda dialog: dialog.accept("sesame"))
        page.goto(url)
        said = ask(page, "What is it?")
        eventually(lambda: "token token" in (said.text_content() or ""))


def test_who_uses_the_keyboard_or_a_screen_reader_finds_everything(page: Any) -> None:
    with serving(make_app(Desk("Talks", {"talks": Parrot()}), Limits(answer_tokens=2))) as url:
        page.goto(url)
        assert page.get_by_role("heading", name="Talks").count() == 1
        page.get_by_label("Your question").fill("What is it?")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        eventually(lambda: "token token" in (page.get_by_role("status").text_content() or ""))
        assert page.get_by_role("list", name="Conversation").locator("> li").count() == 2
