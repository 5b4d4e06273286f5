"""Who comes in: the key, and bodies of a size that can be read."""

import hmac
from collections.abc import Sequence

from starlette.requests import Request

from impressions_assets.chat.server.refusals import Refusal


def check_key(request: Request, keys: Sequence[str]) -> None:
    """Refuse who has none of the keys, where there are any."""
    if not keys:
        return
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    known = [hmac.compare_digest(given.strip().encode("latin-1"), key.encode()) for key in keys]
    if kind.lower() != "bearer" or not any(known):
        raise Refusal(
            401,
            "no valid API key: send it as `Authorization: Bearer KEY`",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )


async def body_of(request: Request, most_bytes: int) -> bytes:
    """Read a body of JSON; what is larger is refused before it is read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "send JSON, with `Content-Type: application/json`")
    told = request.headers.get("content-length", "")
    read = bytearray()
    if not (told.isdecimal() and int(told) > most_bytes):
        async for part in request.stream():
            read += part
            if len(read) > most_bytes:
                break
        else:
            return bytes(read)
    raise Refusal(
        413,
        f"the request is longer than {most_bytes:,} bytes: send a shorter conversation",
        code="request_too_large",
        headers={"Connection": "close"},
    )
