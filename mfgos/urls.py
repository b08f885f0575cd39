"""All addresses of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("apps.erp_sync.api.urls")),
    path("", include("apps.andon.urls")),
    path("", include("apps.workflows.urls")),
    path("", include("apps.floor.urls")),
]
