"""What a signal would become, without taking it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core import clock
from apps.equipment.intake.meaning import Doubtful, Meant, decoded, meanings
from apps.equipment.intake.taking import read_rules
from apps.equipment.models import MachineState, Meaning, SignalSource
from apps.plant.models import ReasonCode, WorkUnit


@dataclass(frozen=True)
class Tried:
    sentence: str
    is_kept_out: bool = False


def tried(source: SignalSource, tag: str, payload: str) -> list[Tried]:
    """One for each mapping that it concerns."""
    raw = decoded(tag, payload.encode("utf-8", "replace"), clock.now())
    return [_told(source, each) for each in meanings(read_rules(source), raw)]


def _told(source: SignalSource, each: Meant | Doubtful) -> Tried:
    if isinstance(each, Doubtful):
        return Tried(_("Kept out: %(why)s.") % {"why": each.doubt.label}, is_kept_out=True)
    unit = WorkUnit.objects.get(pk=each.rule.work_unit_id)
    moment = date_format(each.at.astimezone(source.site.zone), "DATETIME_FORMAT")
    what = {"unit": str(unit), "moment": moment}
    if each.rule.meaning == Meaning.STATE:
        what["state"] = str(MachineState(each.value).label)
        return Tried(_("%(unit)s is %(state)s from %(moment)s on.") % what)
    if each.rule.meaning == Meaning.REASON:
        what["reason"] = ReasonCode.objects.get(pk=each.value).label()
        return Tried(_("%(unit)s stands because of %(reason)s at %(moment)s.") % what)
    what |= {"quantity": f"{each.quantity.normalize():f}", "counter": each.rule.counter}
    return Tried(_("%(unit)s counts %(quantity)s on %(counter)s at %(moment)s.") % what)
