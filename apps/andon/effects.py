"""What a step of a workflow or a rule can have people do: call somebody, tell somebody, tell a system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon import approvals
from apps.andon.causes import Cause, CauseKind
from apps.andon.causes import declare as declare_cause
from apps.andon.commands.answering import give
from apps.andon.events import CaseNamed
from apps.andon.feeds import Feed, News, publish, tell_people
from apps.andon.feeds import declare as declare_feed
from apps.andon.models import ExceptionType, FloorException, ScreenMessage
from apps.andon.raising import raise_exception as raise_
from apps.andon.recurrence import open_problem as make_problem
from apps.core.commands import Context
from apps.core.rights import Scope
from apps.plant.duty import on_duty
from apps.plant.models import Person, Site, WorkCenter
from apps.workflows.definition import Texts, word
from apps.workflows.effects import Choice, EffectFailed, EffectParameters, Occasion, effect, parameter
from apps.workflows.studio.choices import picked_from

CALLED = "called"
LONGEST = 300

CALLED_CAUSE = declare_cause(
    CauseKind(
        code=CALLED,
        label=gettext_lazy("a rule or a step calls"),
        headline=lambda exception: word(exception.facts["headline"]),
        sentence=lambda exception: (
            _("%(say)s (%(because)s)") % {"say": word(exception.facts["say"]), "because": exception.facts["because"]}
        ),
    )
)
RULES = declare_feed(Feed(code="rules", label=gettext_lazy("rules and steps of workflows")))


@picked_from(Choice.EXCEPTION_TYPE)
def _exception_types() -> Sequence[tuple[str, str]]:
    return [(type_.code, type_.label()) for type_ in ExceptionType.objects.order_by("code")]


class RaiseParameters(EffectParameters):
    type: str = parameter(gettext_lazy("kind of exception"), choose=Choice.EXCEPTION_TYPE)
    headline: Texts = parameter(gettext_lazy("headline"))
    say: Texts = parameter(gettext_lazy("what is to be done"))


@effect("raise_exception", gettext_lazy("Raise an exception"), RaiseParameters, needs={"site_id"})
def raise_exception(context: Context, occasion: Occasion, parameters: RaiseParameters) -> None:
    """One for each step or rule and place: while it is open, the next time joins it."""
    if not ExceptionType.objects.filter(code=parameters.type).exists():
        raise EffectFailed(_("there is no kind of exception %(code)s") % {"code": parameters.type})
    around = occasion.around
    assert around.site_id is not None
    place = around.work_unit_id or around.work_center_id or around.site_id
    raise_(
        context,
        Cause(
            type=parameters.type,
            kind=CALLED,
            key=f"{occasion.source}:{parameters.type}:{place}",
            site_id=around.site_id,
            work_center_id=around.work_center_id,
            work_unit_id=around.work_unit_id,
            facts={"headline": parameters.headline, "say": parameters.say, "because": occasion.because},
            thread=around.thread,
            erp_reference=around.work_order,
            work_order_id=around.work_order_id,
            lot_id=around.lot_id,
        ),
    )


class NoParameters(EffectParameters):
    pass


@effect("open_problem", gettext_lazy("Open a problem"), NoParameters, needs={"exception_id"})
def open_problem(context: Context, occasion: Occasion, parameters: NoParameters) -> None:  # noqa: ARG001
    """Of what the exception is a case of, with the cases that the rule has counted; where it is open already, the
    exception joins it.
    """
    exception = FloorException.objects.select_related("type", "site", "work_center").get(
        pk=occasion.around.exception_id or 0
    )
    if not exception.recurs_as:
        raise EffectFailed(_("nobody has said what this exception is a case of"))
    facts = occasion.data["facts"] if occasion.event_kind == CaseNamed.kind else {}
    make_problem(context, exception, since=occasion.since, facts=facts)


@effect(
    "call_for_approval",
    gettext_lazy("Call somebody who approves the version"),
    NoParameters,
    needs={"workflow_version_id"},
)
def call_for_approval(context: Context, occasion: Occasion, parameters: NoParameters) -> None:  # noqa: ARG001
    """Once, until it is approved or given back."""
    approvals.call_for_approval(context, occasion.around.workflow_version_id or 0)


class RoleParameters(EffectParameters):
    role: str = parameter(gettext_lazy("role"), choose=Choice.ROLE)


@effect("assign_to_role", gettext_lazy("Give the exception to a role"), RoleParameters, needs={"exception_id"})
def assign_to_role(context: Context, occasion: Occasion, parameters: RoleParameters) -> None:
    """To the one on duty who is best asked first; where nobody is, it stays where it is, and its ladder goes on."""
    exception = FloorException.objects.select_related("site", "work_center").get(pk=occasion.around.exception_id or 0)
    duty = on_duty(parameters.role, exception.scope, context.now)
    if duty and duty[0].person_id != exception.owner_id:
        give.within(context, exception_id=exception.pk, person_id=duty[0].person_id)


class NotifyParameters(RoleParameters):
    say: Texts = parameter(gettext_lazy("what to say"))


@effect("notify", gettext_lazy("Tell a role"), NotifyParameters, needs={"site_id"})
def notify(context: Context, occasion: Occasion, parameters: NotifyParameters) -> None:
    """Everybody on duty in the role there, each in their language; nothing is asked of them."""
    site = Site.objects.get(pk=occasion.around.site_id or 0)
    people = [duty.person_id for duty in on_duty(parameters.role, _scope(occasion, site), context.now)]
    languages = Person.objects.filter(pk__in=people).values_list("pk", "language")
    told = {person_id: _news(occasion, parameters.say, language) for person_id, language in languages}
    tell_people(context, site.pk, told)


class ScreenParameters(EffectParameters):
    say: Texts = parameter(gettext_lazy("what to say"))
    where: Literal["line", "station"] = parameter(gettext_lazy("on the screens of"), "line")
    minutes: int = parameter(gettext_lazy("minutes"), 30, ge=1, le=1440)


@effect("message_screen", gettext_lazy("Say something on the screens"), ScreenParameters, needs={"work_center_id"})
def message_screen(context: Context, occasion: Occasion, parameters: ScreenParameters) -> None:
    """Of the line, or of the one station; what is said there again stays longer, and stands there once."""
    around = occasion.around
    unit_id = around.work_unit_id if parameters.where == "station" else None
    if parameters.where == "station" and unit_id is None:
        raise EffectFailed(_("the event is about no station"))
    until = context.now + timedelta(minutes=parameters.minutes)
    line = WorkCenter.objects.get(pk=around.work_center_id or 0)
    shown = ScreenMessage.objects.filter(
        work_center=line, work_unit=unit_id, texts=parameters.say, shown_until__gt=context.now
    )
    if not shown.update(shown_until=until):
        ScreenMessage.objects.create(
            site_id=line.site_id,
            work_center=line,
            work_unit_id=unit_id,
            texts=parameters.say,
            because=occasion.because[:LONGEST],
            shown_from=context.now,
            shown_until=until,
        )
    context.touch(f"line:{line.pk}")


class WebhookParameters(EffectParameters):
    say: Texts = parameter(gettext_lazy("what to say"))


@effect("webhook", gettext_lazy("Tell a system of the plant"), WebhookParameters, needs={"site_id"})
def webhook(context: Context, occasion: Occasion, parameters: WebhookParameters) -> None:
    """To each webhook of the site that has asked for rules, signed, in order, until taken."""
    assert occasion.around.site_id is not None
    publish(context, RULES, occasion.around.site_id, _news(occasion, parameters.say, settings.LANGUAGE_CODE))


def _scope(occasion: Occasion, site: Site) -> Scope:
    line = WorkCenter.objects.filter(pk=occasion.around.work_center_id or 0).first()
    return line.scope if line else site.scope


def _news(occasion: Occasion, say: Texts, language: str) -> News:
    around = occasion.around
    about = " ".join(part for part in (around.line, around.station, around.work_order, around.item) if part)
    with translation.override(language):
        return News(
            title=word(say)[:LONGEST],
            body=f"{about}\n{occasion.because}".strip(),
            url=f"{settings.BASE_URL}/",
            tag=f"{occasion.source}:{occasion.event_id}",
            data=_facts(occasion),
        )


def _facts(occasion: Occasion) -> Mapping[str, str | int]:
    """For machines: codes and ids, no names of people."""
    around = occasion.around
    return {
        "event": occasion.event_kind,
        "event_id": occasion.event_id,
        "source": occasion.source,
        "site": around.site,
        "line": around.line,
        "station": around.station,
        "order": around.work_order,
        "operation": around.operation,
        "item": around.item,
        "lot": around.lot,
    }
