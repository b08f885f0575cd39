"""What the bench of fire() is measured beside: the same move as a programmer writes it; and the effect of both."""

from __future__ import annotations

from apps.core.commands import Context, command
from apps.core.events import Event
from apps.plant.access import has_role
from apps.workflows.effects import EffectParameters, Occasion, effect
from tests.workflows.testapp.actions import RUN_THING
from tests.workflows.testapp.models import Note, PlainThing

MAY_START = ["operator_of_things", "line_lead_of_things"]


class NoteParameters(EffectParameters):
    text: str


@effect("note", "Leave a note", NoteParameters)
def leave_a_note(context: Context, occasion: Occasion, parameters: NoteParameters) -> None:
    Note.objects.create(text=parameters.text)


class PlainMoved(Event, subject="plain_thing"):
    from_state: str
    to_state: str


@command("bench.move_by_hand")
def move_by_hand(context: Context, *, thing_id: int) -> str:
    thing = PlainThing.objects.select_for_update().get(pk=thing_id)
    scope = frozenset({f"site:{thing.site_id}", "everywhere"})
    context.allow(RUN_THING, at=scope)
    if not has_role(context.actor, MAY_START, scope):
        context.refuse("no", "No.")
    before = thing.state
    thing.start()
    thing._change_reason = "start"
    thing.save()
    Note.objects.create(text="started")
    context.record(PlainMoved(subject_id=thing.pk, site_id=thing.site_id, from_state=before, to_state=thing.state))
    context.touch(f"thing:{thing.pk}", "things")
    return str(thing.state)
