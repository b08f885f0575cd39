"""Rules on the engineers' pages: draft, check, review, publish, retire; off and on; what they did, where they failed.

What is posted says in `do` what it is: "save", "refresh", "row conditions add". Only saving judges what is typed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.plant.administration import actor_of, by
from apps.workflows import people
from apps.workflows.actions import EDIT, PUBLISH, STOP_RULE, VIEW
from apps.workflows.admin.buttons import Button, ButtonsAdmin
from apps.workflows.admin.packages import PackagesMixin
from apps.workflows.check import errors_in
from apps.workflows.models import RuleFiring, RuleStop, RuleVersion, VersionStatus
from apps.workflows.rules import commands, switching
from apps.workflows.rules.check import check_rule, event_label
from apps.workflows.rules.comparing import step_between
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.publishing import retire_rule
from apps.workflows.studio.forms.base import code_from
from apps.workflows.studio.forms.findings import lay_at_fields
from apps.workflows.studio.forms.rules import RuleForms
from apps.workflows.studio.pages import urls_of_pages
from apps.workflows.studio.rule_pages import EDIT_PAGE, address_of, shown
from apps.workflows.studio.steps import steps_of
from apps.workflows.studio.tabs import RULE_PAGES

TEMPLATE = "workflows/rules/rule.html"
SHOWN = 20


def _copy(actor: Actor, command_id: UUID, pk: int, _text: str) -> str:
    return address_of(commands.copy_rule(actor, command_id, version_id=pk))


def _copy_as(actor: Actor, command_id: UUID, pk: int, text: str) -> str:
    return address_of(commands.copy_rule_as(actor, command_id, version_id=pk, code=code_from(text), name=text[:120]))


def _done(command: Callable[..., Any]) -> Callable[[Actor, UUID, int, str], None]:
    def press(actor: Actor, command_id: UUID, pk: int, _text: str) -> None:
        command(actor, command_id, version_id=pk)

    return press


def _stop(actor: Actor, command_id: UUID, pk: int, text: str) -> None:
    rule_id = RuleVersion.objects.get(pk=pk).rule_id
    switching.stop_rule(actor, command_id, rule_id=rule_id, reason=text)


COPY = Button("copy", _("Copy to a draft"), EDIT, _copy)
COPY_AS = Button("copy_as", _("Copy as a rule of its own"), EDIT, _copy_as, asks=_("Name of the new rule"))
SUBMIT = Button("submit", _("Submit for review"), EDIT, _done(commands.submit_rule_for_review))
RETURN = Button("return", _("Back to draft"), EDIT, _done(commands.return_rule_to_draft))
RETIRE = Button("retire", _("Retire"), PUBLISH, _done(retire_rule))
STOP = Button("stop", _("Switch off everywhere"), STOP_RULE, _stop, asks=_("Why it is switched off"))

BUTTONS: dict[str, list[Button]] = {
    VersionStatus.DRAFT: [SUBMIT, COPY, COPY_AS],
    VersionStatus.IN_REVIEW: [RETURN, COPY, COPY_AS],
    VersionStatus.PUBLISHED: [COPY, COPY_AS, RETIRE],
    VersionStatus.RETIRED: [COPY, COPY_AS],
}


def _resume(stop: RuleStop) -> Button:
    def press(actor: Actor, command_id: UUID, _pk: int, _text: str) -> None:
        switching.resume_rule(actor, command_id, stop_id=stop.pk)

    label = gettext("Switch on again: %(where)s") % {"where": _where(stop)}
    return Button(f"resume-{stop.pk}", label, STOP_RULE, press)


def _settle(version_id: int, site_id: int | None, line_id: int | None, label: str) -> Button:
    def press(actor: Actor, command_id: UUID, _pk: int, _text: str) -> None:
        switching.settle_rule_failures(
            actor, command_id, version_id=version_id, site_id=site_id, work_center_id=line_id
        )

    return Button(f"settle-{site_id or 0}-{line_id or 0}", label, STOP_RULE, press)


def _where(row: Any) -> str:
    return str(row.work_center or row.site or gettext("everywhere"))


@admin.register(RuleVersion)
class RuleVersionAdmin(PackagesMixin, ButtonsAdmin):
    """Adding one makes a new rule; only a draft can be changed."""

    exportable = "rule"

    view_action = VIEW
    change_action = EDIT
    list_display = ["rule", "number", "status", "holds", "follows", "off", "note"]
    list_filter = ["status", "event"]
    ordering = ["rule__name", "-number"]
    list_select_related = ["rule", "rollout"]
    search_fields = ["rule__name", "rule__code"]

    def get_urls(self) -> list[URLPattern]:
        rows = RuleVersion.objects.select_related("rule", "rollout")
        return [*urls_of_pages(self.admin_site, RULE_PAGES, rows), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("rule__stops__site", "rule__stops__work_center")

    @admin.display(description=_("when this happens"), ordering="event")
    def follows(self, row: RuleVersion) -> str:
        return event_label(row.event)

    @admin.display(description=_("holds"))
    def holds(self, row: RuleVersion) -> str:
        rollout = getattr(row, "rollout", None)
        if row.status != VersionStatus.PUBLISHED:
            return ""
        if rollout is not None and rollout.took_effect_at is None:
            starts_at = date_format(timezone.localtime(rollout.starts_at), "SHORT_DATETIME_FORMAT")
            return gettext("from %(time)s") % {"time": starts_at}
        is_tried = rollout is not None and rollout.widened_at is None
        return gettext("on some lines first") if is_tried else gettext("everywhere")

    @admin.display(description=_("off"))
    def off(self, row: RuleVersion) -> str:
        return ", ".join(_where(stop) for stop in _stops(row))

    @method_decorator(csrf_protect)
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A page of its own: what is pressed goes the way of all buttons, what is typed stays."""
        if request.method == "POST" and "_do" in request.POST and object_id:
            return super().changeform_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, object_id) if object_id else None
        if object_id and row is None:
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return missing
        if not (self.has_view_permission(request, row) if row else self.has_add_permission(request)):
            raise PermissionDenied
        return _Desk(self, request, row).answer()

    def buttons_for(self, row: RuleVersion) -> list[Button]:
        stops = _stops(row)
        found = [*BUTTONS[row.status], *(_resume(stop) for stop in stops)]
        if row.status == VersionStatus.PUBLISHED and not any(stop.version_id is None for stop in stops):
            found.append(STOP)
        places = row.failures.unsettled().order_by().values_list("site", "work_center").annotate(n=Count("pk"))
        off = {(stop.site_id, stop.work_center_id) for stop in stops}
        for site_id, line_id, n in places:
            if (site_id, line_id) not in off:
                label = gettext("%(n)s failures are looked at") % {"n": n}
                found.append(_settle(row.pk, site_id, line_id, label))
        return found


def _stops(row: RuleVersion) -> list[RuleStop]:
    """That hold for this version, of what is prefetched."""
    stops = row.rule.stops.all()
    return [stop for stop in stops if stop.resumed_at is None and stop.version_id in (None, row.pk)]


class _Desk:
    """One request for the page of one version; None: of a new rule."""

    def __init__(self, page: RuleVersionAdmin, request: HttpRequest, row: RuleVersion | None) -> None:
        self.page, self.request, self.row = page, request, row
        self.may_edit = page.has_change_permission(request) and (row is None or row.is_draft)
        self.spec = RuleSpec.model_validate(row.content) if row else None
        self.notice = ""

    def answer(self) -> HttpResponse:
        if self.request.method != "POST":
            return self.shown(RuleForms(self.spec))
        if not self.may_edit:
            raise PermissionDenied
        match self.request.POST.get("do", "save").split():
            case ["undo" | "redo" as verb]:
                return self._stepped(verb)
            case ["refresh"]:
                return self.shown(self._typed.typed())
            case ["row", rows, act, *at] if all(one.isdecimal() for one in at):
                return self.shown(self._typed.typed(rows, act, int(at[0]) if at else 0))
        return self._save()

    @cached_property
    def _typed(self) -> RuleForms:
        return RuleForms(self.spec, data=self.request.POST)

    def _save(self) -> HttpResponse:
        if not self._typed.is_valid():
            self.notice = gettext("Not saved yet: see what is said at the fields.")
            return self.shown(self._typed)
        try:
            return HttpResponseRedirect(address_of(self._saved(self._typed.spec())))
        except CommandRefused as refusal:
            self.notice = str(refusal)
            return self.shown(self._typed)

    def _saved(self, spec: RuleSpec) -> int:
        if self.row is None:
            return commands.draft_rule(*by(self.request), spec=spec)
        assert self.spec, "what is there says something"
        commands.save_rule_draft(
            *by(self.request),
            version_id=self.row.pk,
            spec=spec,
            based_on=self._based_on,
            label=step_between(self.spec, spec),
        )
        return self.row.pk

    def _stepped(self, verb: str) -> HttpResponse:
        """The id is made with the page, so that a double click is one step."""
        step = commands.undo_rule_step if verb == "undo" else commands.redo_rule_step
        try:
            command_id = UUID(self.request.POST.get("command_id", ""))
            step(actor_of(self.request), command_id, version_id=self.row.pk if self.row else 0, based_on=self._based_on)
        except CommandRefused as refusal:
            messages.error(self.request, str(refusal))
        except ValueError:
            messages.error(self.request, gettext("Reload the page and try again."))
        return HttpResponseRedirect(self.request.get_full_path())

    @property
    def _based_on(self) -> str:
        return self.request.POST.get("based_on", "") or "nothing"

    def shown(self, forms: RuleForms) -> HttpResponse:
        row = self.row
        context = {
            "spec": self.spec,
            "forms": forms,
            "may_edit": self.may_edit,
            "notice": self.notice,
            "is_typed": self.request.method == "POST",
            **(self._of_the_version(row) if row else {}),
            **(self._found(forms) if row else {}),
        }
        return shown(self.request, row, EDIT_PAGE, TEMPLATE, context)

    def _found(self, forms: RuleForms) -> dict[str, Any]:
        assert self.spec, "what is there says something"
        problems = check_rule(self.spec)
        errors = len(errors_in(problems))
        warnings = len(problems) - errors
        counted = [
            ngettext("%(n)s error", "%(n)s errors", errors) % {"n": errors} if errors else "",
            ngettext("%(n)s warning", "%(n)s warnings", warnings) % {"n": warnings} if warnings else "",
        ]
        sentence = gettext("The check has found %(counted)s: each stands at its field.")
        return {
            "found": sentence % {"counted": ", ".join(filter(None, counted))} if problems else "",
            "problems": lay_at_fields(forms, problems),
        }

    def _of_the_version(self, row: RuleVersion) -> dict[str, Any]:
        firings = RuleFiring.objects.filter(version=row).select_related("site", "work_center").order_by("-at", "-pk")
        failures = row.failures.select_related("site", "work_center").order_by("-at", "-pk")
        timers = row.timers.select_related("site", "work_center").order_by("due_at", "pk")
        return {
            "steps": steps_of(row) if self.may_edit else None,
            "command_id": uuid4(),
            "buttons": self.page.pressable(self.request, row),
            "author": people.person_name(row.author_id),
            "approver": people.person_name(row.approver_id),
            "stops": [(stop, _where(stop), people.person_name(stop.stopped_by_id)) for stop in _stops(row)],
            "follows": event_label(row.event),
            "firings": [(firing, _where(firing)) for firing in firings[:SHOWN]],
            "timers": [(timer, _where(timer)) for timer in timers[:SHOWN]],
            "failures": [(failure, _where(failure), event_label(failure.event_kind)) for failure in failures[:SHOWN]],
        }
