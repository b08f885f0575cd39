"""What forms pick from: the plant's own roles, skills, reasons, places; and what other apps add for their effects.

@picked_from(Choice.WEBHOOK)
def _webhooks() -> Sequence[tuple[str, str]]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from apps.plant.models import Purpose, ReasonCode, Role, Site, Skill, WorkCenter
from apps.workflows.definition import SYSTEM_ROLE
from apps.workflows.effects import Choice

Lister = Callable[[], Sequence[tuple[str, StrOrPromise]]]

LISTS: dict[Choice, Lister] = {}


def picked_from(choice: Choice) -> Callable[[Lister], Lister]:
    def register(lister: Lister) -> Lister:
        if LISTS.setdefault(choice, lister) is not lister:
            raise ValueError(f"what {choice} is picked from is declared twice")
        return lister

    return register


def labels(choice: Choice) -> dict[str, str]:
    """code -> what people call it, now; none for what is not picked from a list."""
    lister = LISTS.get(choice)
    return {code: str(label) for code, label in lister()} if lister else {}


@picked_from(Choice.ROLE)
def roles() -> Sequence[tuple[str, str]]:
    return [(role.code, role.label()) for role in Role.objects.order_by("code")]


@picked_from(Choice.SKILL)
def skills() -> Sequence[tuple[str, str]]:
    return list(Skill.objects.order_by("name").values_list("code", "name"))


@picked_from(Choice.REASON_PURPOSE)
def purposes() -> Sequence[tuple[str, StrOrPromise]]:
    return list(Purpose.choices)


def work_centers() -> Sequence[tuple[str, str]]:
    rows = WorkCenter.objects.order_by("site__code", "code")
    return [(line.code, f"{line.code} {line.name}") for line in rows]


def takers() -> Sequence[tuple[str, StrOrPromise]]:
    """Who may take an edge: the roles, and the system itself."""
    return [*roles(), (SYSTEM_ROLE, _("the system itself"))]


def sites() -> Sequence[tuple[str, str]]:
    return list(Site.objects.order_by("code").values_list("code", "name"))


def reasons_for(purpose: str) -> Sequence[tuple[str, str]]:
    return [(reason.code, reason.label()) for reason in ReasonCode.objects.choosable(purpose)]
