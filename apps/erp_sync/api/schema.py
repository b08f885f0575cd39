"""What OpenAPI says of each resource; the classes are made here, one pair per resource."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers

from apps.erp_sync.api.idempotency import HEADER
from apps.erp_sync.api.problems import MEDIA_TYPE
from apps.erp_sync.api.resources import Resource
from apps.erp_sync.api.serializers import ProblemOut, ReportOut

WRITE_STATUSES = (400, 401, 403, 404, 409, 413, 415, 422)
READ_STATUSES = (400, 401, 403, 404)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.erp_sync.api.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002
        return {"type": "http", "scheme": "bearer", "bearerFormat": "mfg_..."}


def described(resource: Resource, many: type[Any], one: type[Any]) -> tuple[type[Any], type[Any]]:
    shown = OpenApiResponse(OpenApiTypes.OBJECT, description="The row, as it is sent, and what is ours beside it.")
    rows = type(f"{resource.title}View", (many,), {"resource": resource, "__doc__": None})
    row = type(f"{resource.title}OneView", (one,), {"resource": resource, "__doc__": None})
    name = resource.name.replace("-", "_")
    rows = extend_schema_view(
        get=extend_schema(
            operation_id=f"{name}_list",
            tags=[resource.name],
            parameters=[
                OpenApiParameter("after", int, description="`next` of the page before"),
                OpenApiParameter("limit", int, description="1 to 1000, 100 by default"),
            ],
            responses={200: _page(resource), **problems(READ_STATUSES)},
        ),
        post=extend_schema(
            operation_id=f"{name}_upsert",
            tags=[resource.name],
            parameters=_write_parameters(resource),
            request=_body(resource),
            responses={200: ReportOut, **problems(WRITE_STATUSES)},
        ),
    )(rows)
    row = extend_schema_view(
        get=extend_schema(
            operation_id=f"{name}_retrieve",
            tags=[resource.name],
            parameters=[OpenApiParameter("key", str, OpenApiParameter.PATH, description="the row's key in the ERP")],
            responses={200: shown, **problems(READ_STATUSES)},
        )
    )(row)
    return rows, row


def problems(statuses: tuple[int, ...]) -> dict[tuple[int, str], type[ProblemOut]]:
    return {(status, MEDIA_TYPE): ProblemOut for status in statuses}


def _write_parameters(resource: Resource) -> list[OpenApiParameter]:
    switch = {"type": "string", "enum": ["0", "1"]}
    parameters = [
        OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, required=True),
        OpenApiParameter("mode", str, enum=["all", "each"], description="all (default): one rejected, none written"),
        OpenApiParameter("dry_run", switch, description="1: nothing is written"),
    ]
    if resource.adopts:
        parameters.append(
            OpenApiParameter("adopt", switch, description="1: rows of ours by this name become the ERP's")
        )
    return parameters


def _body(resource: Resource) -> Any:
    fields: dict[str, Any] = {name: make() for name, make in resource.extras.items()}
    if resource.per_site:
        fields["site"] = serializers.CharField(
            required=False, help_text="Code of the site; a token of one site need not say it."
        )
    return inline_serializer(f"{resource.title}Body", {**fields, "rows": resource.shape(many=True)})


def _page(resource: Resource) -> Any:
    return inline_serializer(
        f"{resource.title}Page",
        {
            "next": serializers.IntegerField(allow_null=True),
            "results": serializers.ListField(child=serializers.DictField()),
        },
    )
