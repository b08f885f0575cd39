"""JSON as it comes in: bounded before it is read, numbers exact, nothing that is no JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from apps.erp_sync.api.problems import Problem

MOST_BYTES = 10 * 1024 * 1024
KEPT = 20_000


class BoundedJSONParser(BaseParser):
    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002  # the shape is DRF's
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Leaves the beginning of what came on the request, so that a message that is refused can be looked at."""
        request = (parser_context or {}).get("request")
        length = request.META.get("CONTENT_LENGTH") if request is not None else ""
        if str(length or "").isdigit() and int(length) > MOST_BYTES:
            raise too_large()
        raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise too_large()
        if request is not None:
            request.sent = raw[:KEPT].decode("utf-8", "replace").replace("\0", "\ufffd")
        try:
            return json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError(_("This is no JSON: %(why)s") % {"why": str(error)[:200]}) from error


def too_large() -> Problem:
    return Problem("too_large", 413, _("Send at most 10 MB at once."))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
