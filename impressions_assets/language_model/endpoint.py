"""One request to a server that speaks OpenAI's chat completions, and what its refusals mean.

Its answer is wanted as it came, to be kept, so this is one POST by `requests` and not the library
of OpenAI, which reads the environment by itself and hides the bytes.
https://platform.openai.com/docs/api-reference/chat
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from impressions_assets.errors import (
    QuotaSpent,
    RequestUnfit,
    SourceError,
    SourcePaused,
    SourceRefused,
    SourceUnreachable,
)

_CONNECT_SECONDS = 10.0
_PASSING = (408, 500, 502, 503, 504)
_REFUSING = (301, 302, 307, 308, 401, 403, 404, 405)
_SPENT = (402, 429)
_LONGEST_WAIT = timedelta(seconds=60)
_PAUSE = timedelta(hours=1)
_LONGEST_PAUSE = timedelta(days=1)
_NOBODY_THERE = timedelta(minutes=10)
_SHOWN = 300
_CHUNK = 1 << 16
_LONGEST_ANSWER = 1 << 25


@dataclass(frozen=True, repr=False)
class Endpoint:
    """Where a language model is asked. Threads may share it; it has no text form, for its key."""

    url: str
    """Address up to `/v1`, without a slash at its end."""
    key: str = ""
    """Sent as a bearer token; '' for none."""
    timeout_seconds: float = 120.0
    tries: int = 4
    sleep: Callable[[float], None] = time.sleep

    def post(self, body: bytes) -> bytes:
        """Return the server's answer to a request, as it came.

        Raises:
            SourceUnreachable: no answer in time, or a server's error, after all tries.
            SourcePaused: nobody is at the address, or (QuotaSpent) we asked too much of it.
            SourceRefused: the address or the key is wrong.
            RequestUnfit: it will not answer this request.
        """
        for number in range(1, self.tries):
            try:
                return self._post_once(body)
            except SourceUnreachable:
                wait = 2.0 ** (number - 1) * random.uniform(0.5, 1.0)  # noqa: S311
            except QuotaSpent as spent:
                left = spent.until - datetime.now(UTC)
                if left > _LONGEST_WAIT:
                    raise
                wait = max(0.0, left.total_seconds())
            self.sleep(wait)
        return self._post_once(body)

    def _post_once(self, body: bytes) -> bytes:
        try:
            with requests.post(
                f"{self.url}/chat/completions",
                data=body,
                headers={"Content-Type": "application/json"},
                auth=self._sign,
                timeout=(_CONNECT_SECONDS, self.timeout_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = self._read(response)
        except (requests.RequestException, HTTPError) as error:
            raise self._unanswered(error) from None  # what it was caused by may hold the key
        if response.status_code == 200:
            return answer
        raise self._refusal(response, answer.decode(errors="replace"))

    def _read(self, response: requests.Response) -> bytes:
        """Read all of an answer; one that trickles, or has no end, is none."""
        until = time.monotonic() + self.timeout_seconds
        answer = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            answer += chunk
            if time.monotonic() > until:
                raise self._unanswered(requests.ReadTimeout())
            if len(answer) > _LONGEST_ANSWER:
                raise SourceUnreachable(f"{self.url}: an answer without an end")
        return bytes(answer)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign here, for a header alone gives way to what a .netrc has for the host."""
        if self.key:
            request.headers["Authorization"] = f"Bearer {self.key}"
        return request

    def _unanswered(self, error: Exception) -> SourceError:
        cause = error.args[0] if error.args else None
        nobody = isinstance(error, requests.ConnectTimeout) or isinstance(
            getattr(cause, "reason", None), NewConnectionError
        )
        if nobody:
            until = datetime.now(UTC) + _NOBODY_THERE
            return SourcePaused(
                f"{self.url}: nobody answers there; it is asked again at {until:%H:%M} UTC. "
                "Is the language model's server up, and its `url` in channels.yaml right?",
                until,
                self.url,
            )
        return SourceUnreachable(
            f"{self.url}: no whole answer ({type(error).__name__}); a longer `timeout_seconds` of "
            "`language_model` in channels.yaml may help"
        )

    def _refusal(self, response: requests.Response, said: str) -> SourceError:
        said = said.replace(self.key, "***") if self.key else said
        status = f"{self.url}: status {response.status_code}: {' '.join(said.split())[:_SHOWN]}"
        if response.status_code in _PASSING:
            return SourceUnreachable(status)
        if response.status_code in _SPENT:
            until = _retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
            return QuotaSpent(f"{status}; asked again at {until:%H:%M} UTC", until, self.url)
        if response.status_code in _REFUSING:
            return SourceRefused(
                f"{status}: check `url` and `model` of `language_model` in channels.yaml, and "
                "IMPRESSIONS_LLM_API_KEY"
            )
        return RequestUnfit(
            f"{status}: is it `json_schema` or `parameters` of `language_model` in channels.yaml, "
            "that this server does not know, or `window_words`, too many for it?"
        )


def _retry_after(said: str, now: datetime) -> datetime:
    """When to ask again, by the header `Retry-After`: seconds, or a date; in an hour without.

    In a day at the latest, for a server's clock may be wrong.
    """
    if said.strip().isascii() and said.strip().isdigit():
        return now + min(timedelta(seconds=int(said[:9])), _LONGEST_PAUSE)
    try:
        return min(parsedate_to_datetime(said).astimezone(UTC), now + _LONGEST_PAUSE)
    except ValueError:
        return now + _PAUSE
