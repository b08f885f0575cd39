"""JSON-RPC to one Tryton database: session, value encoding, and errors told apart by what may have happened.

A call is sent once. The only exception is 401, which Tryton answers before it runs anything.
Source of the protocol facts: measured against trytond 8.0.12, see tests/tryton.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import gzip
import http.client
import itertools
import json
import ssl
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

JSON = Any
# Of the user's preferences, what defaults and button rights look at; the rest only formats screens.
CONTEXT = ("company", "company_filter", "employee", "groups")


class TrytonError(Exception):
    """Anything that kept a call from giving its result."""


class UnreachableError(TrytonError):
    """No connection: nothing was sent."""


class OutcomeUnknownError(TrytonError):
    """The request left, the answer did not come: it may have happened, may still happen, or may never."""


class ConflictError(TrytonError):
    """503: another transaction was in the way; nothing was written."""


class StaleRecordError(TrytonError):
    """A record named in the `_timestamp` context changed since it was read; nothing was written."""


class RefusedError(TrytonError):
    """Tryton understood and said no; nothing was written. `text` is Tryton's own sentence.

    `warning` is the name under which a warning can be acknowledged; empty for an error.
    """

    def __init__(self, text: str, kind: str = "UserError", detail: str = "", warning: str = "") -> None:
        super().__init__(f"{text} {detail}".strip())
        self.text = text
        self.kind = kind
        self.detail = detail
        self.warning = warning


class NotPermittedError(RefusedError):
    """Wrong password, or the integration user lacks a right."""


class MisuseError(TrytonError):
    """We called what does not exist, or with the wrong parameters: a defect on our side, or another Tryton."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as far as the protocol needs it; `body` is unpacked."""

    status: int
    body: bytes


class Transport(Protocol):
    """Sends one request and reads one answer."""

    def exchange(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Raises UnreachableError when nothing was sent, OutcomeUnknownError when the answer was lost."""
        ...


class HttpTransport:
    """One connection per call: trytond's own server closes after each answer. `before` runs ahead of each call."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: bool = False,
        timeout: float = 60.0,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._timeout = timeout
        self._before = before

    def exchange(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self._before()
        connection = self._connection()
        try:
            try:
                connection.connect()
            except OSError as error:
                raise UnreachableError(f"no connection to {self._host}:{self._port}: {error}") from error
            try:
                connection.request("POST", path, body, dict(headers))
                return self.receive(connection)
            except (OSError, EOFError, http.client.HTTPException) as error:
                raise OutcomeUnknownError(f"no answer from {self._host}:{self._port}: {error!r}") from error
        finally:
            connection.close()

    def receive(self, connection: http.client.HTTPConnection) -> Answer:
        """Reads the answer; its own method so that a test can lose it."""
        response = connection.getresponse()
        body = response.read()
        if response.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(response.status, body)

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)


def encode(value: object) -> JSON:
    """Turns a value that JSON lacks into Tryton's tagged form. Instants must be aware; Tryton keeps them in UTC."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise TypeError("an instant without a zone")
        value = value.astimezone(dt.UTC)
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime"} | {part: getattr(value, part) for part in parts}
    if isinstance(value, dt.date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, dt.timedelta):
        return {"__class__": "timedelta", "seconds": value.total_seconds()}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, bytes):
        return {"__class__": "bytes", "base64": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} has no form in Tryton's JSON")


def decode(value: dict[str, Any]) -> JSON:
    """The inverse of `encode`; Tryton's instants have no zone and mean UTC."""
    match value.pop("__class__", None):
        case None:
            return value
        case "datetime":
            return dt.datetime(**value, tzinfo=dt.UTC)
        case "date":
            return dt.date(**value)
        case "timedelta":
            return dt.timedelta(seconds=float(value["seconds"]))
        case "Decimal":
            return Decimal(value["decimal"])
        case "bytes":
            return base64.b64decode(value["base64"])
        case unknown:
            raise MisuseError(f"Tryton sent a value of kind {unknown}, which this client does not know")


class TrytonClient:
    """A logged-in user of one database. Not for use by several threads at once.

    Float fields arrive as Decimal made from their text, so no quantity passes through binary rounding on our side.
    """

    def __init__(self, transport: Transport, database: str, user: str, password: str, *, language: str = "en") -> None:
        self._transport = transport
        self._database = database
        self._user = user
        self._password = password
        self._language = language
        self._numbers = itertools.count(1)
        self._authorization = ""
        self._context: dict[str, Any] = {}
        self._user_id = 0

    @property
    def user_id(self) -> int:
        """The id of our own user, as `create_uid` holds it. Logs in if need be."""
        self._ensure_login()
        return self._user_id

    @property
    def company(self) -> int:
        """The id of the company the user works in; 0 if it has none."""
        self._ensure_login()
        return int(self._context.get("company") or 0)

    def call(self, method: str, *params: object, context: Mapping[str, Any] | None = None) -> Any:
        """Runs `model.<name>.<method>` in one transaction and gives its result.

        Raises a TrytonError; only OutcomeUnknownError leaves open whether the call took effect.
        """
        self._ensure_login()
        answer = self._send(method, params, context)
        if answer.status == 401:
            self._authorization = ""
            self._ensure_login()
            answer = self._send(method, params, context)
        return _result(method, answer)

    def version(self) -> str:
        """The server's version, which it tells without a login."""
        return str(_result("version", self._post("/rpc/", "common.server.version", [])))

    def forget_session(self) -> None:
        """Drops the login, as after a change of the user's company."""
        self._authorization = ""

    def _ensure_login(self) -> None:
        if self._authorization:
            return
        self._context = {}
        params: list[object] = [self._user, {"password": self._password}, self._language]
        answer = self._post(f"/{self._database}/rpc/", "common.db.login", params)
        if answer.status == 401:
            raise NotPermittedError(f"Tryton refused the login of {self._user}", "LoginException")
        result = _result("login", answer)
        if not result:
            raise NotPermittedError(f"Tryton refused the login of {self._user}", "LoginException")
        self._user_id = int(result[0])
        token = base64.b64encode(f"{self._user}:{result[0]}:{result[1]}".encode()).decode()
        self._authorization = f"Session {token}"
        preferences = _result("preferences", self._send("model.res.user.get_preferences", (True,), None))
        self._context = {name: preferences[name] for name in CONTEXT if name in preferences}
        self._context["language"] = self._language

    def _send(self, method: str, params: tuple[object, ...], context: Mapping[str, Any] | None) -> Answer:
        merged = self._context | dict(context or {})
        return self._post(f"/{self._database}/rpc/", method, [*params, merged])

    def _post(self, path: str, method: str, params: list[object]) -> Answer:
        body = json.dumps({"id": next(self._numbers), "method": method, "params": params}, default=encode).encode()
        # Without gzip accepted, trytond 8.0 still labels long answers as gzip and sends them plain.
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        return self._transport.exchange(path, body, headers)


def _result(method: str, answer: Answer) -> Any:
    """The result in an answer, or the error it carries."""
    if answer.status == 200:
        try:
            parsed = json.loads(answer.body, object_hook=decode, parse_float=Decimal)
        except ValueError as error:
            raise OutcomeUnknownError(f"{method}: an answer that is no JSON") from error
        if "error" in parsed:
            raise _fault(method, parsed["error"])
        return parsed.get("result")
    excerpt = answer.body[:200].decode(errors="replace")
    if answer.status == 503:
        raise ConflictError(f"{method}: 503, another transaction was in the way")
    if answer.status in (401, 403):
        raise NotPermittedError(f"Tryton does not let {method} be called", str(answer.status), excerpt)
    if 400 <= answer.status < 500:
        raise MisuseError(f"{method}: {answer.status} {excerpt}")
    # 500, 502 and 504 may come from a proxy that gave up while Tryton went on.
    raise OutcomeUnknownError(f"{method}: {answer.status} {excerpt}")


def _fault(method: str, error: object) -> TrytonError:
    if not isinstance(error, list) or not error:
        return MisuseError(f"{method}: {error}")
    kind = str(error[0])
    if kind == "ConcurrencyException":
        return StaleRecordError(f"{method}: {error[1:]}")
    if kind in ("UserError", "UserWarning") and len(error) > 1 and isinstance(error[1], list):
        words = [str(word) for word in error[1] if isinstance(word, str)]
        # A warning is [name, message, description], an error [message, description, domain].
        warning = words.pop(0) if kind == "UserWarning" and words else ""
        return RefusedError(words[0] if words else kind, kind, words[1] if len(words) > 1 else "", warning)
    if kind == "LoginException":
        return NotPermittedError(f"Tryton refused the login ({error[1:]})", kind)
    return MisuseError(f"{method}: {error}")
