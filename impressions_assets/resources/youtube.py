"""YouTube's clients: opened when a source needs them, closed together when the work is done.

All sources of a run share them, and so their pace, their connections and their budgets.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime
from functools import cached_property

from impressions_assets.channels.channel import Channel
from impressions_assets.channels.stages import YouTubeSettings
from impressions_assets.channels.youtube_links import parse_link
from impressions_assets.errors import ConfigError
from impressions_assets.settings import YouTubeAccess
from impressions_assets.sources.source import sha256_of
from impressions_assets.sources.youtube.api import ApiLister, service_name
from impressions_assets.sources.youtube.audio import AudioClient
from impressions_assets.sources.youtube.captions import CaptionClient
from impressions_assets.sources.youtube.feed import Feed
from impressions_assets.sources.youtube.keyless import KeylessLister
from impressions_assets.sources.youtube.lister import Lister
from impressions_assets.sources.youtube.politeness import PAGES, Pace
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.sources.youtube.session import Way
from impressions_assets.sources.youtube.source import YouTubeSource
from impressions_assets.sources.youtube.ytdlp import YtDlp
from impressions_assets.storage.budget import Budget, utc_now
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.home import Home


class YouTubeClients:
    """The clients of one run, or of one look of a sensor."""

    def __init__(
        self,
        home: Home,
        access: YouTubeAccess,
        limits: YouTubeSettings,
        stack: ExitStack,
        *,
        retries: Retries = Retries(),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Open nothing yet; what is opened is closed with the stack."""
        self._retries = retries
        self._home, self._now = home, now
        self._access, self._limits, self._stack = access, limits, stack
        self._captions: dict[tuple[str, ...], CaptionClient] = {}

    def source(self, channel: Channel, link: str, *, sweep: bool = False) -> YouTubeSource:
        """Return a link of a channel as a source."""
        translate_to = channel.languages if channel.transcripts.translate else ()
        return YouTubeSource(
            parse_link(link),
            self._lister,
            self._feed,
            self._captions_in(translate_to),
            self._raw,
            readers={way.engine: way.read for way in (ApiLister, KeylessLister)},
            sounds=self._sounds,
            access=self._access_name,
            sweep=sweep,
            gone=channel.gone,
            now=self._now,
        )

    @cached_property
    def _lister(self) -> Lister:
        """The Data API with a key, else YouTube's pages."""
        access, limits = self._access, self._limits
        way = limits.listing if limits.listing != "auto" else "api" if access.api_key else "keyless"
        if way == "keyless":
            return KeylessLister(self._pages)
        if not access.api_key:
            raise ConfigError(
                "`youtube.listing: api` in channels.yaml needs a key: set DEVELOPER_KEY, or write "
                "`listing: auto` to list without one"
            )
        most, setting = limits.daily_quota_units, "youtube.daily_quota_units"
        budget = self._budget_of(service_name(access.api_key), most, setting)
        lister = ApiLister(
            access.api_key,
            budget,
            base_url=access.base_url,
            timeout_seconds=limits.timeout_seconds,
            retries=self._retries,
        )
        return self._stack.enter_context(closing(lister))

    @cached_property
    def _raw(self) -> Raw:
        raw = Raw(self._home)
        self._stack.callback(raw.tidy)
        return raw

    @cached_property
    def _pages(self) -> YtDlp:
        pages = YtDlp(self._budget, self._pace.wait, self._way, retries=self._retries)
        return self._stack.enter_context(closing(pages))

    @cached_property
    def _sounds(self) -> AudioClient:
        limits = self._limits
        pause = 1 / limits.requests_per_second if limits.requests_per_second else 0.0
        limit = limits.audio_bytes_per_second
        return AudioClient(self._pages, self._way, bytes_per_second=limit, pause_seconds=pause)

    @cached_property
    def _feed(self) -> Feed:
        feed = Feed(self._access.base_url, self._limits.timeout_seconds, self._retries)
        return self._stack.enter_context(closing(feed))

    def _captions_in(self, languages: tuple[str, ...]) -> CaptionClient:
        if languages not in self._captions:
            client = CaptionClient(
                self._budget,
                self._pace,
                self._way,
                languages,
                concurrency=self._limits.concurrency,
                retries=self._retries,
                now=self._now,
            )
            self._captions[languages] = self._stack.enter_context(closing(client))
        return self._captions[languages]

    @cached_property
    def _budget(self) -> Budget:
        return self._budget_of(self._service, self._limits.daily_videos, "youtube.daily_videos")

    def _budget_of(self, service: str, most: int | None, setting: str) -> Budget:
        budget = Budget(self._home, service, most, now=self._now, setting=setting)
        return self._stack.enter_context(closing(budget))

    @property
    def _service(self) -> str:
        """YouTube's pages as this address asks them: behind a proxy one is another to it."""
        return f"{PAGES}-by-{sha256_of(self._proxy.encode())[:8]}" if self._proxy else PAGES

    @property
    def _proxy(self) -> str:
        return self._access.proxy or self._access.webshare_username

    @cached_property
    def _access_name(self) -> str:
        """Proxy and login, without a word of either; another export of cookies is another login."""
        path = self._access.cookies_file
        cookies = path.read_bytes() if path and path.is_file() else b""
        named = {"proxy": self._proxy.encode(), "login": cookies}
        return " ".join(f"{what}-{sha256_of(data)[:8]}" for what, data in named.items() if data)

    @cached_property
    def _pace(self) -> Pace:
        return Pace(self._limits.requests_per_second, self._limits.jitter)

    @cached_property
    def _way(self) -> Way:
        access = self._access
        return Way(
            proxy=access.proxy,
            webshare_username=access.webshare_username,
            webshare_password=access.webshare_password,
            cookies_file=access.cookies_file,
            base_url=access.base_url,
            timeout_seconds=self._limits.timeout_seconds,
        )
