"""The cookies of a login, from a browser's export; nobody hears what stands in it.

Python and yt-dlp both print, or put into their errors, the line that they stumble over.
"""

import warnings
from http.cookiejar import LoadError, MozillaCookieJar
from pathlib import Path

from impressions_assets.errors import SourceRefused


def cookies_in(path: Path) -> MozillaCookieJar:
    """Read a file in the format of Netscape. Raises SourceRefused when it cannot be read."""
    jar = MozillaCookieJar(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it prints what it stumbled over
            jar.load(ignore_discard=True, ignore_expires=True)
    except (LoadError, OSError, UnicodeDecodeError):
        # Not `from error`: that one repeats the line it stumbled over, which may be a login.
        raise SourceRefused(
            f"cookies file {path}: cannot be read as a browser's export of cookies (Netscape "
            "format, as yt-dlp writes and reads it): export it again, or set no cookies file"
        ) from None
    for cookie in jar:
        if cookie.expires == 0:  # so browsers write those that end with the session
            cookie.expires, cookie.discard = None, True
    return jar
