"""Telling a person: a short text to a webhook, by e-mail, or both.

Does not belong here: what is worth telling (alerts.py).
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import requests

from impressions_assets.errors import SourceUnreachable

TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, repr=False)
class Recipients:
    """Where notices go; the addresses of webhook and server are secrets, and never printed."""

    webhook: str = ""
    """Gets `{"text": …}`, as Slack, Mattermost, Google Chat and Rocket.Chat take it."""
    email: str = ""
    smtp: str = ""
    """smtp://USER:PASSWORD@HOST:587 (STARTTLS where offered), or smtps://…:465."""

    def __bool__(self) -> bool:
        """Whether anybody is to be told."""
        return bool(self.webhook or self.email)


def tell(recipients: Recipients, subject: str, lines: list[str]) -> list[str]:
    """Send one notice to everybody; return who could not be reached, where another was.

    Raises:
        SourceUnreachable: nobody could be reached; it can be sent again.
    """
    ways: list[Callable[[], None]] = []
    if recipients.webhook:
        text = "\n".join([subject, *(f"• {line}" for line in lines)])
        ways.append(lambda: _post(recipients.webhook, text))
    if recipients.email:
        ways.append(lambda: _mail(recipients, subject, "\n\n".join(lines)))
    failures = []
    for way in ways:
        try:
            way()
        except SourceUnreachable as error:
            failures.append(error)
    if failures and len(failures) == len(ways):
        raise failures[0]
    return [str(failure) for failure in failures]


def _post(webhook: str, text: str) -> None:
    try:
        answer = requests.post(webhook, json={"text": text}, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        # Its message quotes the address, which is a secret.
        raise SourceUnreachable(
            f"the webhook for alerts did not answer: {type(error).__name__}"
        ) from None
    if not answer.ok:
        raise SourceUnreachable(f"the webhook for alerts answered {answer.status_code}")


def _mail(recipients: Recipients, subject: str, text: str) -> None:
    server = urlsplit(recipients.smtp)
    user, password = unquote(server.username or ""), unquote(server.password or "")
    message = EmailMessage()
    message["Subject"] = subject
    message["To"] = recipients.email
    message["From"] = user if "@" in user else recipients.email.split(",")[0].strip()
    message.set_content(text)
    kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(server.hostname or "", server.port or 0, timeout=TIMEOUT_SECONDS) as smtp:
            smtp.ehlo()
            if smtp.has_extn("starttls"):
                smtp.starttls()
            if user:
                smtp.login(user, password)
            smtp.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise SourceUnreachable(
            f"the mail server {server.hostname} took no alert: {type(error).__name__}"
        ) from error
