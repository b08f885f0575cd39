"""One HTTP request to somebody else's server: guarded, bounded in time and size, without redirects."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import urllib3
from django.utils.translation import gettext as _

from apps.andon.channels.deadline import LateError, within
from apps.andon.channels.guard import ForbiddenError, Target, resolve, target
from apps.andon.channels.interface import Failed

MAX_ANSWER_BYTES = 16_384
USER_AGENT = "mfgos"


@dataclass(frozen=True, kw_only=True)
class Request:
    """`trusted`: the URL comes from the plant's settings, not from a form, and may lead anywhere."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    method: str = "POST"
    trusted: bool = False


@dataclass(frozen=True)
class Answer:
    """`body` is what came first, up to MAX_ANSWER_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Line:
    """What hangs can be cut from another thread."""

    def __init__(self) -> None:
        self.connection: urllib3.connection.HTTPConnection | None = None

    def cut(self) -> None:
        wire = getattr(self.connection, "sock", None)
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)


def call(request: Request, timeout_seconds: float) -> Answer:
    """Any status is an answer.  Raises Failed when there is none."""
    try:
        goal = target(request.url, trusted=request.trusted)
    except ForbiddenError as error:
        raise Failed(str(error), permanent=True) from None
    line = _Line()
    try:
        return within(timeout_seconds, lambda: _exchange(request, goal, timeout_seconds, line), give_up=line.cut)
    except Exception as error:  # noqa: BLE001  # whatever a far server makes a library raise is a failed delivery
        raise _failure(error, goal, timeout_seconds) from None


def _exchange(request: Request, goal: Target, timeout_seconds: float, line: _Line) -> Answer:
    addresses = resolve(goal, trusted=request.trusted)
    line.connection = _connected(goal, addresses, timeout_seconds)
    try:
        shown = goal.host if goal.port in (80, 443) else goal.where
        headers = {"Host": f"[{goal.host}]" if ":" in goal.host else shown, "User-Agent": USER_AGENT, **request.headers}
        line.connection.request(request.method, goal.path, request.body, headers, preload_content=False)
        answer = line.connection.getresponse()
        body = answer.read(MAX_ANSWER_BYTES, decode_content=False)
        return Answer(answer.status, dict(answer.headers), body)
    finally:
        line.connection.close()


def _connected(goal: Target, addresses: list[str], timeout_seconds: float) -> urllib3.connection.HTTPConnection:
    """To the first address that takes us; the name is what the certificate has to carry."""
    failure: Exception = OSError("no address")
    for address in addresses:
        connection = (
            urllib3.connection.HTTPSConnection(address, goal.port, timeout=timeout_seconds, server_hostname=goal.host)
            if goal.scheme == "https"
            else urllib3.connection.HTTPConnection(address, goal.port, timeout=timeout_seconds)
        )
        try:
            connection.connect()
        except (OSError, urllib3.exceptions.HTTPError) as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def _failure(error: Exception, goal: Target, timeout_seconds: float) -> Failed:
    """No text of the library goes in: it shows URLs."""
    names = {"where": goal.where, "seconds": f"{timeout_seconds:g}"}
    if isinstance(error, ForbiddenError):
        sentence = _(
            "%(where)s leads to this machine or to a link-local address, which is never called; "
            "correct the address, or name the host in MFGOS_WEBHOOK_HTTP_HOSTS."
        )
        return Failed(sentence % names, permanent=True)
    if isinstance(error, ssl.SSLError):
        return Failed(_("%(where)s shows no valid certificate for its name; renew the certificate there.") % names)
    if isinstance(error, urllib3.exceptions.NameResolutionError | socket.gaierror):
        return Failed(_("No machine is known by the name of %(where)s; correct it, or see to the name server.") % names)
    # The library counts a refused connection among those that took too long.
    if isinstance(error, LateError | TimeoutError | urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return Failed(_("%(where)s did not answer within %(seconds)s s; see whether it is overloaded.") % names)
    if isinstance(error, OSError | urllib3.exceptions.NewConnectionError):
        return Failed(_("%(where)s can't be reached; see whether it runs and the network lets us through.") % names)
    return Failed(_("%(where)s gave no answer in HTTP; see whether the address is the right one.") % names)
