from __future__ import annotations

from django.urls import path

from apps.workflows.photos import pages

app_name = "workflows"
urlpatterns = [
    path("photos/take/<slug:item_kind>/<int:item_id>/", pages.take_view, name="take_photo"),
    path("photos/<int:pk>/", pages.photo_view, name="photo"),
    path("photos/<int:pk>/small/", pages.thumbnail_view, name="photo_small"),
]
