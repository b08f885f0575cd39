"""What is on its way to the ERP, how late it is, and the two decisions about what stands still."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.erp_sync.actions import POST, VIEW_POSTINGS
from apps.erp_sync.api import admin as api_pages
from apps.erp_sync.commands import accept_difference, compare_again, retry_posting, skip_posting
from apps.erp_sync.intake import admin as intake_pages
from apps.erp_sync.models import Comparison, Posting
from apps.erp_sync.queries import Lag, lag
from apps.plant.administration import CommandAdmin, WithReason

# Found by Django through this file.
__all__ = ["PostingAdmin", "api_pages", "intake_pages"]


class DecidedAdmin(CommandAdmin):
    """What nobody adds or edits: people decide about the rows of the list, with a reason."""

    view_action = VIEW_POSTINGS
    change_action = POST
    action_form = WithReason
    actions: Any = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, POST)


@admin.register(Posting)
class PostingAdmin(DecidedAdmin):
    list_display = [
        *("work_order", "sequence", "kind", "state", "occurred_at", "recorded_at", "posted_at", "attempts"),
        *("why", "document"),
    ]
    list_filter = ["state", "kind", ("site", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["work_order__number", "key"]
    list_select_related = ["work_order", "site"]
    actions = ["retry", "skip"]

    @admin.display(description=_("stands still because"))
    def why(self, posting: Posting) -> str:
        if posting.parked_reason:
            return "{sentence} ({fixable_by})".format(**posting.parked_reason)
        return posting.skipped_reason or posting.last_error

    @admin.display(description=_("document in the ERP"))
    def document(self, posting: Posting) -> str:
        return posting.document

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Says above the list how late the ERP is."""
        page: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "subtitle": sentence(lag())})
        return page

    @admin.action(description=_("Send again now"), permissions=["decide"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Posting]) -> None:
        self.each(request, queryset, retry_posting, "posting_id")

    @admin.action(description=_("Keep from the ERP, for the reason given"), permissions=["decide"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Posting]) -> None:
        self.each(request, queryset, skip_posting, "posting_id", reason=request.POST.get("reason", ""))


@admin.register(Comparison)
class ComparisonAdmin(DecidedAdmin):
    """Finished orders beside the ERP's figures of them; a difference is accepted here, or where it calls somebody."""

    list_display = ["work_order", "finished_at", "compared_at", "next_at", "difference", "accepted_reason"]
    search_fields = ["work_order__number"]
    list_select_related = ["work_order", "link__site"]
    actions = ["compare", "accept"]

    @admin.display(description=_("difference"))
    def difference(self, comparison: Comparison) -> str:
        return comparison.sentence

    @admin.action(description=_("Compare again now"), permissions=["decide"])
    def compare(self, request: HttpRequest, queryset: QuerySet[Comparison]) -> None:
        self.each(request, queryset, compare_again, "comparison_id")

    @admin.action(description=_("Accept the difference, for the reason given"), permissions=["decide"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Comparison]) -> None:
        reason = request.POST.get("reason", "")
        self.each(request, queryset, accept_difference, "comparison_id", reason=reason)


def sentence(found: Lag) -> str:
    def shown(seconds: float | None) -> str:
        return "–" if seconds is None else _now("%(seconds).1f s") % {"seconds": seconds}  # noqa: RUF001

    return _now(
        "ERP behind by %(p50)s (half), %(p95)s (95 %%) in the last hour; waiting %(waiting)s, parked %(parked)s, "
        "oldest %(oldest)s."
    ) % {
        "p50": shown(found.p50),
        "p95": shown(found.p95),
        "oldest": shown(found.oldest),
        "waiting": found.waiting,
        "parked": found.parked,
    }
