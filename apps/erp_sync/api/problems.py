"""Every refusal of the API as application/problem+json (RFC 9457); `type` is stable, `detail` is for people."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core.errors import CommandRefused

if TYPE_CHECKING:
    # DRF reads its settings, which name this module, while it makes that class.
    from rest_framework.views import APIView

MEDIA_TYPE = "application/problem+json"
STATUS_OF_REFUSAL = {"not_allowed": 403, "not_found": 404, "row_count": 413}
CODE_OF_STATUS = {
    400: "bad_request",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    415: "media_type",
}
log = logging.getLogger(__name__)


class Problem(Exception):
    """`code` names the type; `more` are further members of the answer."""

    def __init__(self, code: str, status: int, detail: str, **more: Any) -> None:
        super().__init__(code, status, detail)
        self.code, self.status, self.detail, self.more = code, status, detail, more

    def body(self, instance: str) -> dict[str, Any]:
        return {
            "type": f"urn:mfgos:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            **self.more,
        }


def problem_of(error: Exception) -> Problem | None:
    """None: nobody knows what it means."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, CommandRefused):
        return Problem(error.code, STATUS_OF_REFUSAL.get(error.code, 422), str(error))
    if isinstance(error, Http404):
        return Problem("not_found", 404, _("There is nothing here."))
    if isinstance(error, PermissionDenied):
        return Problem("not_allowed", 403, _("This token may not do that."))
    if isinstance(error, exceptions.APIException):
        return Problem(CODE_OF_STATUS.get(error.status_code, "refused"), error.status_code, str(error.detail))
    return None


def response_of(problem: Problem, instance: str) -> Response:
    return Response(problem.body(instance), status=problem.status, content_type=MEDIA_TYPE)


def answer_for(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler."""
    request = context["request"]
    problem = problem_of(error)
    if problem is None:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        if isinstance(error, OperationalError):
            problem = Problem("try_again", 503, _("The database is busy. Send the same again, with the same key."))
        else:
            problem = Problem("failed", 500, _("This failed here, and nothing of it was done. Send the same again."))
    answer = response_of(problem, request.path)
    view: APIView | None = context.get("view")
    if challenge := vars(error).get("auth_header"):
        answer["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.MethodNotAllowed) and view is not None:
        answer["Allow"] = ", ".join(view.allowed_methods)
    if problem.status == 503:
        answer["Retry-After"] = "2"
    return answer
