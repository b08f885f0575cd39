"""Somebody who could help is asked to, in the thread of an exception and by the channels that they have chosen."""

from __future__ import annotations

from apps.andon.models import FloorException, Informed, Occasion, Remark
from apps.andon.telling import tell
from apps.core.commands import Context

LONGEST = 2000


def ask(context: Context, exception: FloorException, person_id: int, text: str, *, role: str = "") -> None:
    """`role`: code of the one as which the person is asked."""
    Remark.objects.create(exception=exception, person_id=context.actor.person_id, text=text[:LONGEST], at=context.now)
    Informed.objects.get_or_create(
        exception=exception, person_id=person_id, defaults={"role": role, "since": context.now}
    )
    tell(context, [(exception, person_id)], Occasion.INFORMED)
    context.touch(*exception.topics, f"person:{person_id}")
