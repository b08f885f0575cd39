"""Who acts: a person at a terminal, or a named part of the system; carried by every command."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import models
from django.utils.translation import gettext_lazy as _


class Origin(models.TextChoices):
    """What drove the act; without it nobody can prove later who did."""

    PROPOSED = "proposed", _("proposed by the system")
    CHOSEN = "chosen", _("chosen by a person")
    BACK_ENTRY = "back_entry", _("typed in later")
    MACHINE = "machine", _("machine signal")
    RULE = "rule", _("rule or timer")
    ERP = "erp", _("ERP")


@dataclass(frozen=True, kw_only=True)
class Actor:
    """`person_id` is None for a part of the system, which then has a name in `agent` ("worker", "erp:tryton").

    `restricted_to`: None, or the only actions (codes) this actor may do whatever the roles say (floor PIN, API token).
    `only_at`: None, or the only places a part of the system may act at ("site:1", an API token of one site).
    """

    person_id: int | None = None
    agent: str = ""
    origin: Origin = Origin.CHOSEN
    terminal_id: int | None = None
    on_behalf_of_id: int | None = None
    restricted_to: frozenset[str] | None = None
    only_at: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.person_id is None and self.terminal_id is None and not self.agent:
            raise ValueError("an actor is a person, a terminal or a named agent")

    @classmethod
    def system(cls, agent: str, origin: Origin = Origin.RULE) -> Actor:
        return cls(agent=agent, origin=origin)

    @property
    def is_system(self) -> bool:
        return bool(self.agent)

    def driven_by(self, origin: Origin) -> Actor:
        return replace(self, origin=origin)
