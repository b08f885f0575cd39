"""Pictures that people have taken for steps: which item, who, when, and the step that holds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.administration import ReadOnlyAdmin
from apps.workflows.actions import VIEW_PHOTOS
from apps.workflows.kinds import KINDS
from apps.workflows.models import Photo
from apps.workflows.people import person_names


@admin.register(Photo)
class PhotoAdmin(ReadOnlyAdmin):
    view_action = VIEW_PHOTOS
    list_display = ["small", "taken_at", "item", "steps", "who", "site"]
    list_filter = ["item_kind", ("site", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["site"]
    list_per_page = 25
    search_fields = ["=item_id", "=sha256"]
    date_hierarchy = "taken_at"
    show_full_result_count = False
    fields = ["picture", "item", "steps", "who", "taken_at", "site", "width", "height", "sha256"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Photo]:
        actor = getattr(request, "actor", None)
        shown = Photo.objects.visible_to(actor) if actor else Photo.objects.get_queryset().none()
        return shown.prefetch_related("uses")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        shown = super().get_changelist_instance(request)
        shown.result_list = _named(shown.result_list)
        return shown

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Photo | None:
        found: Photo | None = super().get_object(request, object_id, from_field)
        return _named([found])[0] if found else None

    @admin.display(description=_("picture"))
    def small(self, photo: Photo) -> SafeString:
        address = reverse("workflows:photo_small", args=[photo.pk])
        return format_html('<img src="{}" alt="{}" loading="lazy" style="max-height:72px">', address, str(photo))

    @admin.display(description=_("picture"))
    def picture(self, photo: Photo) -> SafeString:
        address = reverse("workflows:photo", args=[photo.pk])
        image = format_html('<img src="{}" alt="{}" style="max-width:100%;max-height:70vh">', address, str(photo))
        return format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', address, image)

    @admin.display(description=_("item"), ordering="item_id")
    def item(self, photo: Photo) -> str:
        return str(photo.__dict__["_of"])

    @admin.display(description=_("given for the steps"))
    def steps(self, photo: Photo) -> str:
        """By their codes: a label is of one version."""
        edges = dict.fromkeys(use.edge for use in photo.uses.all())
        return ", ".join(edges) or _now("none yet")

    @admin.display(description=_("taken by"))
    def who(self, photo: Photo) -> str:
        return str(photo.__dict__["_by"])


def _named(photos: Iterable[Photo]) -> list[Photo]:
    """With the names of what they were taken of, and by whom: one query for each kind, and one for the people."""
    found = list(photos)
    people = person_names({photo.taken_by_id for photo in found})
    items: dict[tuple[str, int], str] = {}
    for code in {photo.item_kind for photo in found} & KINDS.keys():
        ids = {photo.item_id for photo in found if photo.item_kind == code}
        rows = KINDS[code].model._base_manager.select_related(*KINDS[code].reads).filter(pk__in=ids)
        items |= {(code, row.pk): KINDS[code].erp_reference(row) or str(row) for row in rows}
    for photo in found:
        photo.__dict__["_of"] = items.get((photo.item_kind, photo.item_id), str(photo))
        photo.__dict__["_by"] = people.get(photo.taken_by_id, "?")
    return found
