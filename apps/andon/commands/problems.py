"""Problems: whose they are, until when, what is known. They close by themselves, when it is quiet."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER, GIVE
from apps.andon.models import Problem
from apps.andon.recurrence import record_change
from apps.core import rights
from apps.core.actors import Actor
from apps.core.commands import Context, FreeText, command
from apps.plant.models import Person


@command("andon.give_problem")
def give_problem(context: Context, *, problem_id: int, person_id: int) -> None:
    """Raises CommandRefused: not_found, closed, not_eligible, and for who may not."""
    problem = _mine_to_change(context, problem_id)
    other = Person.objects.get_queryset().filter(pk=person_id, is_active=True).first()
    if other is None or not rights.may(Actor(person_id=person_id), ANSWER, problem.scope):
        context.refuse("not_eligible", _("This person may not answer exceptions here. Choose another one."))
    old_id = problem.owner_id
    if other.pk == old_id:
        return
    problem.owner = other
    problem.save()
    record_change(context, problem, old_owner_id=old_id)


@command("andon.set_problem_due")
def set_problem_due(context: Context, *, problem_id: int, due_at: datetime) -> None:
    """Raises CommandRefused: not_found, closed, in_the_past, and for who may not."""
    problem = _mine_to_change(context, problem_id)
    if due_at <= context.now:
        context.refuse("in_the_past", _("Choose a time that is still to come."))
    problem.due_at = due_at
    problem.save()
    record_change(context, problem, old_owner_id=problem.owner_id)


@command("andon.note_problem")
def note_problem(context: Context, *, problem_id: int, text: FreeText) -> None:
    """What is known and done about it, instead of what stood there.

    Raises CommandRefused: not_found, closed, and for who may not.
    """
    problem = _mine_to_change(context, problem_id)
    problem.note = text.strip()[:4000]
    problem.save()
    record_change(context, problem, old_owner_id=problem.owner_id, noted=True)


def _mine_to_change(context: Context, problem_id: int) -> Problem:
    rows = Problem.objects.select_related("site").select_for_update(of=("self",))
    problem = rows.filter(pk=problem_id).first()
    if problem is None:
        context.refuse("not_found", _("This problem does not exist any more. Reload the page."))
    own = problem.owner_id == context.actor.person_id
    context.allow(ANSWER if own else GIVE, at=problem.scope)
    if problem.closed_at is not None:
        context.refuse("closed", _("This problem is closed: its cause stayed away."))
    return problem
