"""Whoever goes off duty owns nothing any more, in the same transaction; systems hear of what is resolved."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.andon.approvals import decided
from apps.andon.broken_rules import call_the_engineer, end_of
from apps.andon.kinds import EXCEPTION
from apps.andon.models import ExceptionStatus, FloorException, Occasion, SiteRules
from apps.andon.recurrence import rehome_problems
from apps.andon.rehoming import rehome_all
from apps.andon.telling import tell_systems
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.plant.events import (
    AbsenceReported,
    DutyEntryEnded,
    DutySwapped,
    PersonDeactivated,
    PersonDeactivating,
    PresenceEnded,
    QualificationLost,
    RoleAssignmentEnded,
)
from apps.workflows.events import DraftReturned, StateChanged, VersionPublished
from apps.workflows.rules.events import RuleFailed, RulePublished, RuleReplaced, RuleRetired, RuleSwitchedOn


@subscribe(PresenceEnded, AbsenceReported, DutyEntryEnded, RoleAssignmentEnded, QualificationLost)
def find_others(
    event: PresenceEnded | AbsenceReported | DutyEntryEnded | RoleAssignmentEnded | QualificationLost, context: Context
) -> None:
    rehome_all(context, event.person_id, _WHY[type(event)])


@subscribe(DutySwapped)
def find_others_than_who_swapped(event: DutySwapped, context: Context) -> None:
    rehome_all(context, event.old_person_id, "swapped")


@subscribe(PersonDeactivated)
def find_others_than_who_left(event: PersonDeactivated, context: Context) -> None:
    rehome_all(context, int(event.subject_id), "deactivated")
    rehome_problems(context, int(event.subject_id))


@subscribe(PersonDeactivating)
def keep_the_last_resort(event: PersonDeactivating, context: Context) -> None:
    """Who owns what nobody else can is not deactivated while named for that."""
    rules = SiteRules.objects.filter(default_owner=int(event.subject_id)).select_related("site").first()
    if rules is not None:
        context.refuse(
            "default_owner",
            _("This person owns the exceptions of %(site)s when nobody is on duty.") % {"site": rules.site.name},
            _("Name somebody else there first: Sites' rules for exceptions."),
        )


@subscribe(VersionPublished, DraftReturned)
def need_no_approval_any_more(event: VersionPublished | DraftReturned, context: Context) -> None:
    decided(context, int(event.subject_id))


@subscribe(RuleFailed)
def call_who_has_made_it(event: RuleFailed, context: Context) -> None:
    call_the_engineer(context, event.failure_id)


@subscribe(RulePublished, RuleReplaced, RuleRetired, RuleSwitchedOn)
def need_nobody_for_the_rule_any_more(
    event: RulePublished | RuleReplaced | RuleRetired | RuleSwitchedOn, context: Context
) -> None:
    end_of(context, int(event.subject_id))


@subscribe(StateChanged)
def tell_of_the_end(event: StateChanged, context: Context) -> None:
    """Resolved, or closed with its cause and nobody's word: told once."""
    if event.item_kind != EXCEPTION.code or event.to_status not in _ENDED or event.from_status in _ENDED:
        return
    tell_systems(context, list(FloorException.objects.filter(pk=event.subject_id)), Occasion.RESOLVED)


_ENDED = {ExceptionStatus.RESOLVED, ExceptionStatus.CLOSED}
_WHY = {
    PresenceEnded: "clocked_off",
    AbsenceReported: "absent",
    DutyEntryEnded: "off_duty",
    RoleAssignmentEnded: "role_ended",
    QualificationLost: "qualification_lost",
}
