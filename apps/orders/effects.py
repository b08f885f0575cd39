"""What a step of a workflow or a rule can do to an operation: stop it, or give it one more step of standard work."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.models import ExceptionType
from apps.core.commands import Context
from apps.orders.causes.stopped import TYPE, raise_it
from apps.orders.events import StepAdded
from apps.orders.models import Blocker, BlockerKind, DirectiveStep, JobOrder, WorkDirective
from apps.orders.models.statuses import OVER
from apps.orders.readiness import locked, stop
from apps.workflows.definition import Texts
from apps.workflows.effects import Choice, EffectFailed, EffectParameters, Occasion, effect, parameter


class StopParameters(EffectParameters):
    say: Texts = parameter(gettext_lazy("what is to be done before it goes on"))
    type: str = parameter(gettext_lazy("kind of exception"), TYPE, choose=Choice.EXCEPTION_TYPE)


@effect("place_blocker", gettext_lazy("Stop the operation"), StopParameters, needs={"job_order_id"})
def place_blocker(context: Context, occasion: Occasion, parameters: StopParameters) -> None:
    """Nothing more is made until the exception that owns it is resolved. One that is stopped already stays so."""
    job = _job(occasion)
    if Blocker.objects.open().filter(job_order=job, kind=BlockerKind.STOPPED).exists():
        return
    if not ExceptionType.objects.filter(code=parameters.type).exists():
        raise EffectFailed(_("there is no kind of exception %(code)s") % {"code": parameters.type})
    exception_id = raise_it(context, job, parameters.say, occasion.because, parameters.type)
    facts = {"say": parameters.say, "because": occasion.because}
    stop(context, job, exception_id, facts, occasion.source)


class StepParameters(EffectParameters):
    title: Texts = parameter(gettext_lazy("what is to be done"))
    kind: Literal["read", "confirm", "measure"] = parameter(gettext_lazy("kind"), "confirm")
    frequency: Literal["once", "per_set_up", "per_piece", "every_n"] = parameter(gettext_lazy("how often"), "per_piece")
    every_n: int | None = parameter(gettext_lazy("every so many pieces"), None, ge=1, le=100_000)
    unit: str = parameter(gettext_lazy("unit"), "", max_length=20)
    low: Decimal | None = parameter(gettext_lazy("lower limit"), None)
    high: Decimal | None = parameter(gettext_lazy("upper limit"), None)


@effect("add_step", gettext_lazy("Add a step to the work"), StepParameters, needs={"job_order_id"})
def add_step(context: Context, occasion: Occasion, parameters: StepParameters) -> None:
    """At the end of what this operation runs by, required; the same step is not added twice."""
    job = _job(occasion)
    directive, _created = WorkDirective.objects.get_or_create(job_order=job, defaults={"frozen_at": context.now})
    if directive.steps.filter(titles=parameters.title, kind=parameters.kind).exists():
        return
    last = directive.steps.aggregate(last=Max("position"))["last"] or 0
    given = parameters.model_dump(exclude={"title"})
    step = DirectiveStep(directive=directive, position=last + 1, titles=parameters.title, **given)
    try:
        step.full_clean()
    except ValidationError as error:
        raise EffectFailed("; ".join(error.messages)) from error
    step.save()
    context.record(StepAdded(subject_id=job.pk, **job.work_order.story, step_id=step.pk, position=step.position))
    context.touch(*job.topics)


def _job(occasion: Occasion) -> JobOrder:
    job = locked(occasion.around.job_order_id or 0)
    if job.status in OVER:
        raise EffectFailed(_("operation %(number)s is over") % {"number": job.sequence})
    return job
