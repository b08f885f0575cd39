"""Who is qualified for what, from when until when; said by somebody else than the one who gains."""

from __future__ import annotations

from datetime import UTC, date

from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.core.live import ACCESS
from apps.plant.access import qualified
from apps.plant.actions import MANAGE_PEOPLE
from apps.plant.commands.rows import locked, save
from apps.plant.events import QualificationLost
from apps.plant.models.people import Person, PersonSkill, Skill


@command("plant.set_qualification")
def set_qualification(
    context: Context,
    *,
    qualification_id: int | None = None,
    person_id: int,
    skill_id: int,
    certificate: FreeText = "",
    valid_from: date,
    valid_until: date | None = None,
) -> int:
    """The id of the qualification, a new one without `qualification_id`; both days are included.

    Refused: own_rights, not_found, not_valid.
    """
    row = PersonSkill()
    if qualification_id is not None:
        row = locked(context, PersonSkill.objects.select_related("person__site", "skill"), qualification_id)
        context.allow(MANAGE_PEOPLE, at=row.scope)
    person = locked(context, Person.objects.select_related("site"), person_id)
    context.allow(MANAGE_PEOPLE, at=person.scope)
    if context.actor.person_id in (person.pk, row.person_id):
        context.refuse("own_rights", _("Nobody qualifies themselves."))
    before = (row.person, row.skill.code) if row.pk and _holds(context, row.person, row.skill.code) else None
    skill = Skill.objects.filter(pk=skill_id).first()
    if skill is None:
        context.refuse("not_found", _("It does not exist any more. Reload the page."))
    row.person, row.skill = person, skill
    row.certificate, row.valid_from, row.valid_until = certificate, valid_from, valid_until
    save(context, row)
    if before and not _holds(context, *before):
        loser, code = before
        context.record(QualificationLost(subject_id=row.pk, site_id=loser.site_id, person_id=loser.pk, skill=code))
    context.touch(ACCESS)
    return row.pk


def _holds(context: Context, person: Person, skill: str) -> bool:
    """Today, by the calendar of the person's site."""
    return not qualified(person.pk, [skill], context.now.astimezone(person.site.zone if person.site else UTC))
