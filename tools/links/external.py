"""Links that leave the site, tried over the network: politely, and without crying wolf.

One request at a time per host, with a pause between two. A server that refuses robots (403), that
is busy (429, 5xx) or that does not answer in time proves nothing about the link.
"""

from __future__ import annotations

import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import quote

AGENT = "Mozilla/5.0 (compatible; link check of a course's site)"
# Some servers answer HEAD with these although GET would do.
ASK_AGAIN = {400, 403, 404, 405, 406, 501}
UNSURE = {401, 403, 407, 408, 425, 429, 999}
LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class Manners:
    """Seconds and counts of the check."""

    timeout: float = 20.0
    tries: int = 3
    pause: float = 1.0  # between two requests to one host
    patience: float = 5.0  # before the second try; twice as long before the third
    hosts: int = 8  # at the same time


GOOD = Manners()


@dataclass(frozen=True)
class Answer:
    address: str
    state: str  # "ok", "broken" or "could not be checked"
    reason: str = ""


def check_external(addresses: Iterable[str], manners: Manners = GOOD) -> list[Answer]:
    """Try every address (once, whatever its fragments) and say what came of it."""
    hosts: dict[str, list[str]] = {}
    for address in sorted({address.partition("#")[0] for address in addresses}):
        whole = f"https:{address}" if address.startswith("//") else address
        hosts.setdefault(whole.split("/")[2], []).append(whole)
    with ThreadPoolExecutor(max(1, min(manners.hosts, len(hosts)))) as pool:
        answered = pool.map(lambda some: _check_host(some, manners), hosts.values())
        return [answer for answers in answered for answer in answers]


def _check_host(addresses: list[str], manners: Manners) -> list[Answer]:
    answers = []
    for position, address in enumerate(addresses):
        if position:
            time.sleep(manners.pause)
        answers.append(_check(address, manners))
    return answers


def _check(address: str, manners: Manners) -> Answer:
    answer = Answer(address, "could not be checked", "not tried")
    for attempt in range(manners.tries):
        answer, wait = _try(address, manners)
        if wait is None:
            return answer
        if attempt + 1 < manners.tries:
            time.sleep(min(LONGEST_WAIT, max(wait, manners.patience * 2**attempt)))
    return answer


def _try(address: str, manners: Manners) -> tuple[Answer, float | None]:
    """One attempt, and how long the server wants us to wait; None where another is of no use."""
    status, wait = 0, 0.0
    try:
        for method in ("HEAD", "GET"):
            status, wait = _ask(address, method, manners.timeout)
            if status not in ASK_AGAIN:
                break
            time.sleep(manners.pause)
    except (OSError, HTTPException, ValueError) as error:
        return _failure(address, error)
    if status < 300:
        return Answer(address, "ok"), None
    if status < 400:  # those that lead somewhere have been followed
        return Answer(address, "broken", f"status {status}: a redirection without end"), None
    if status == 429 or status >= 500:
        return Answer(address, "could not be checked", f"status {status}"), wait
    state = "could not be checked" if status in UNSURE else "broken"
    return Answer(address, state, f"status {status}"), None


def _ask(address: str, method: str, timeout: float) -> tuple[int, float]:
    """Status of the answer after redirects, and the seconds of its Retry-After."""
    plain = quote(
        address, safe="%/:;=&?~#+!$,'@()*[]"
    )  # a page may write é where servers want %C3%A9
    asked = urllib.request.Request(plain, method=method, headers={"User-Agent": AGENT})
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as reply:
            return reply.status, 0.0
    except urllib.error.HTTPError as error:
        with error:
            seconds = error.headers.get("Retry-After", "")
            return error.code, float(seconds) if seconds.isdigit() else 0.0


def _failure(address: str, error: Exception) -> tuple[Answer, float | None]:
    cause = getattr(error, "reason", error)
    said = f"{type(cause).__name__}: {cause}" if isinstance(cause, Exception) else str(cause)
    if isinstance(cause, (ValueError, ssl.SSLCertVerificationError)):
        return Answer(address, "broken", said), None
    if isinstance(cause, TimeoutError):
        return Answer(address, "could not be checked", said), 0.0
    if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN:
        return Answer(address, "could not be checked", said), 0.0
    return Answer(address, "broken", said), 0.0
