"""The addresses of the API, two for each resource."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from apps.erp_sync.api.blocked import BlockedView
from apps.erp_sync.api.downtimes import DowntimesView
from apps.erp_sync.api.oee import OeeView
from apps.erp_sync.api.resources import ALL, Resource
from apps.erp_sync.api.schema import described
from apps.erp_sync.api.signals import SignalsView
from apps.erp_sync.api.views import NothingHereView, RowsView, RowView, SchemaView

app_name = "api"


def _addresses(resource: Resource) -> list[URLPattern]:
    rows, row = described(resource, RowsView, RowView)
    return [
        path(f"{resource.name}/", rows.as_view(), name=resource.name),
        path(f"{resource.name}/<str:key>/", row.as_view(), name=f"{resource.name}-one"),
    ]


urlpatterns = [
    *(address for resource in ALL for address in _addresses(resource)),
    path("signals/", SignalsView.as_view(), name="signals"),
    path("oee/", OeeView.as_view(), name="oee"),
    path("blocked/", BlockedView.as_view(), name="blocked"),
    path("downtimes/", DowntimesView.as_view(), name="downtimes"),
    path("schema/", SchemaView.as_view(), name="schema"),
    re_path(r"^.*$", NothingHereView.as_view(), name="nothing"),
]
