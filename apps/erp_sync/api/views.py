"""The addresses: who may, once per key, and every refusal kept. What a row means is the commands'."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.erp_sync.api import idempotency, problems
from apps.erp_sync.api.asked import number_in
from apps.erp_sync.api.idempotency import Answer, Claim
from apps.erp_sync.api.problems import Problem
from apps.erp_sync.api.resources import Resource
from apps.erp_sync.api.taking import Options, take
from apps.erp_sync.api.tokens import Caller, HoldsAToken, HoldsTheScope
from apps.erp_sync.models import RefusedMessage

PAGE, LONGEST_PAGE = 100, 1000
BIGGEST_ID = 2**63 - 1


class AlwaysJson(BaseContentNegotiation):
    """There is one way to answer, so nothing to negotiate."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:  # noqa: ARG002
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    content_negotiation_class = AlwaysJson
    metadata_class = None
    permission_classes = [HoldsAToken]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Cache-Control"] = "no-store"
        if isinstance(request, Request) and 400 <= response.status_code < 500:
            keep_refused(request, response.status_code, response.data)
        return final


class NothingHereView(ApiView):
    """Every other address below the API's."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Problem("not_found", 404, _("There is nothing here."))


class SchemaView(SpectacularAPIView):
    permission_classes = [HoldsAToken]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The document is YAML; a problem is JSON here too."""
        if response.status_code >= 400:
            request.accepted_renderer = JSONRenderer()
        return super().finalize_response(request, response, *args, **kwargs)


class ResourceView(ApiView):
    resource: Resource
    permission_classes = [HoldsTheScope]

    @property
    def scope_name(self) -> str:
        return self.resource.name

    def rows(self) -> Any:
        """Those that the token sees, in the order they came."""
        caller: Caller = self.request.user  # type: ignore[assignment]  # the permission has seen to it
        rows = self.resource.rows().exclude(**{self.resource.key: ""}).order_by("pk")
        if self.resource.per_site and caller.token.site_id is not None:
            rows = rows.filter(site=caller.token.site_id)
        return rows


class RowView(ResourceView):
    def get(self, request: Request, key: str) -> Response:  # noqa: ARG002
        row = self.rows().filter(**{self.resource.key: key}).first() if "\0" not in key else None
        if row is None:
            raise Problem("not_found", 404, _("There is nothing here."))
        return Response(self.resource.show(row))


class RowsView(ResourceView):
    def get(self, request: Request) -> Response:
        limit = number_in(request, "limit", PAGE, LONGEST_PAGE)
        after = number_in(request, "after", 0, BIGGEST_ID)
        found = list(self.rows().filter(pk__gt=after)[: limit + 1])
        more = found[limit - 1].pk if len(found) > limit else None
        return Response({"next": more, "results": [self.resource.show(row) for row in found[:limit]]})

    def post(self, request: Request) -> Response:
        caller: Caller = request.user  # type: ignore[assignment]  # the permission has seen to it
        key = idempotency.key_of(request)
        options = Options.of(request.query_params.dict(), self.resource)
        body = request.data
        claim = Claim(
            token_id=caller.token.pk,
            method="POST",
            path=request.path,
            key=key,
            body_hash=idempotency.hash_of(body, request.query_params.dict()),
        )
        with idempotency.running(claim):
            stored = idempotency.find(claim)
            if stored is not None:
                return _respond(stored, replayed=True)
            answer = self._take(request, caller, claim, body, options)
            idempotency.keep(claim, answer)
        if not options.dry_run and answer.status == 200 and answer.body["counts"].get("rejected"):
            keep_refused(request, answer.status, answer.body)
        return _respond(answer)

    def _take(self, request: Request, caller: Caller, claim: Claim, body: Any, options: Options) -> Answer:
        try:
            answer = take(self.resource, caller, claim.command_id, body, options)
        except Exception as error:
            problem = problems.problem_of(error)
            if problem is None:
                raise
            return Answer(status=problem.status, body=problem.body(request.path))
        if answer.status < 400:
            return answer
        told = dict(answer.body)
        problem = Problem(told.pop("problem"), answer.status, told.pop("detail"), **told)
        return Answer(status=answer.status, body=problem.body(request.path))


def _respond(answer: Answer, *, replayed: bool = False) -> Response:
    response = Response(
        answer.body, status=answer.status, content_type=problems.MEDIA_TYPE if answer.status >= 400 else None
    )
    if replayed:
        response[idempotency.REPLAYED] = "true"
    return response


def keep_refused(request: Request, status: int, problem: Any) -> None:
    """For a person to look at; not of strangers, and once per key."""
    # What DRF's property would ask for again is known by now.
    caller = getattr(request, "_user", None)
    if not isinstance(caller, Caller) or request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    RefusedMessage.objects.create(
        token=caller.token,
        method=str(request.method)[:8],
        path=request.path[:400],
        status=status,
        body=getattr(request, "sent", ""),
        problem=problem,
    )
