"""Who can be told, and whether anybody has tried it lately. Addresses are their owners' alone; others see kinds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.andon.actions import ANSWER, GIVE
from apps.andon.channels.interface import ChannelKind
from apps.andon.models import PersonChannel
from apps.core.actors import Actor
from apps.plant.models import Person, RoleAssignment
from apps.plant.models.duty import answered_for


@dataclass(frozen=True)
class Reach:
    """`proven`, `unproven` and `broken` are kinds; with none at all the banner is the only way."""

    person: Person
    proven: list[ChannelKind]
    unproven: list[ChannelKind]
    broken: list[ChannelKind]

    @property
    def is_proven(self) -> bool:
        return bool(self.proven)


def reach_of(people: list[Person], at: datetime) -> list[Reach]:
    """One query."""
    found: dict[int, list[PersonChannel]] = {person.pk: [] for person in people}
    for channel in PersonChannel.objects.filter(person__in=found).order_by("position", "pk"):
        found[channel.person_id].append(channel)
    return [_reach(person, found[person.pk], at) for person in people]


def _reach(person: Person, channels: list[PersonChannel], at: datetime) -> Reach:
    working = [channel for channel in channels if channel.broken_at is None]
    return Reach(
        person=person,
        proven=[ChannelKind(channel.kind) for channel in working if channel.is_proven(at)],
        unproven=[ChannelKind(channel.kind) for channel in working if not channel.is_proven(at)],
        broken=[ChannelKind(channel.kind) for channel in channels if channel.broken_at is not None],
    )


def unproven_people(actor: Actor, at: datetime) -> list[Reach]:
    """Those for whom the actor may give work to others, and who have said of no channel lately that it works."""
    answering = RoleAssignment.objects.valid_at(at).filter(role__actions__code=ANSWER.code)
    people = answered_for(actor, GIVE).filter(is_active=True, pk__in=answering.values("person"))
    return [reach for reach in reach_of(list(people.order_by("name", "pk")), at) if not reach.is_proven]
