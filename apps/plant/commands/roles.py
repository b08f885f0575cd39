"""Who may do what: given and taken by somebody else than the one who gains."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.commands import Context, command
from apps.core.live import ACCESS
from apps.core.rights import EVERYWHERE
from apps.plant.actions import MANAGE_ROLES
from apps.plant.commands.rows import delete, locked, save
from apps.plant.events import RoleActionsSet, RoleAssigned, RoleAssignmentEnded
from apps.plant.models.people import Person
from apps.plant.models.places import Area, Site, WorkCenter
from apps.plant.models.roles import Role, RoleAction, RoleAssignment

PLACES: dict[str, type[Site] | type[Area] | type[WorkCenter]] = {"site": Site, "area": Area, "line": WorkCenter}


@command("plant.assign_role")
def assign_role(
    context: Context,
    *,
    person_id: int,
    role: str,
    place: str,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> int:
    """The id of the assignment. `role` is a code, `place` "everywhere", "site:1", "area:2" or "line:7".

    Refused: own_rights, already_assigned, not_found, not_valid.
    """
    assignment = RoleAssignment(valid_from=valid_from or context.now, valid_until=valid_until)
    _put(context, assignment, place)
    context.allow(MANAGE_ROLES, at=assignment.scope)
    person = locked(context, Person.objects.get_queryset(), person_id)
    if person.pk == context.actor.person_id:
        _refuse_own(context)
    assignment.person, assignment.role = person, _role(context, role)
    held = RoleAssignment.objects.valid_at(context.now).filter(person=person, role=assignment.role)
    if any(other.place == place for other in held):
        context.refuse("already_assigned", _("This role is assigned there already. End that assignment first."))
    save(context, assignment)
    context.record(
        RoleAssigned(
            subject_id=assignment.pk,
            site_id=_site_id(assignment),
            person_id=person.pk,
            role=role,
            place=place,
        )
    )
    context.touch(ACCESS)
    return assignment.pk


@command("plant.end_role_assignment")
def end_role_assignment(context: Context, *, assignment_id: int) -> None:
    """Ends now; one that has not begun never will."""
    rows = RoleAssignment.objects.select_related("site", "area", "work_center", "role")
    assignment = locked(context, rows, assignment_id)
    context.allow(MANAGE_ROLES, at=assignment.scope)
    if assignment.valid_until is not None and assignment.valid_until <= context.now:
        return
    assignment.valid_until = max(context.now, assignment.valid_from)
    save(context, assignment)
    context.record(
        RoleAssignmentEnded(
            subject_id=assignment.pk,
            site_id=_site_id(assignment),
            person_id=assignment.person_id,
            role=assignment.role.code,
            place=assignment.place,
        )
    )
    context.touch(ACCESS)


@command("plant.set_role_actions")
def set_role_actions(context: Context, *, role: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
    """Gives and takes these actions, and leaves the role's others; two people may do so at once.

    Refused: own_rights when the actor holds the role and would gain, not_found, action_unknown.
    """
    context.allow(MANAGE_ROLES, at=EVERYWHERE)
    row = _role(context, role)
    held = {action.code: action for action in RoleAction.objects.filter(role=row)}
    added = sorted(set(add) - set(held))
    removed = sorted(set(remove) & set(held))
    if unknown := set(added) - set(rights.ACTIONS):
        context.refuse("action_unknown", _("There is no action %(code)s.") % {"code": min(unknown)})
    if added and RoleAssignment.objects.valid_at(context.now).filter(role=row, person=context.actor.person_id).exists():
        _refuse_own(context)
    for code in added:
        save(context, RoleAction(role=row, code=code))
    for code in removed:
        delete(context, held[code])
    if added or removed:
        context.record(RoleActionsSet(subject_id=row.pk, added=tuple(added), removed=tuple(removed)))
        context.touch(ACCESS)


def _role(context: Context, code: str) -> Role:
    row = Role.objects.select_for_update().filter(code=code).first()
    if row is None:
        context.refuse("not_found", _("There is no role %(code)s.") % {"code": code})
    return row


def _put(context: Context, assignment: RoleAssignment, place: str) -> None:
    if place == "everywhere":
        assignment.everywhere = True
        return
    match locate(context, place):
        case Site() as site:
            assignment.site = site
        case Area() as area:
            assignment.area = area
        case WorkCenter() as line:
            assignment.work_center = line


def locate(context: Context, place: str) -> Site | Area | WorkCenter:
    """What "site:1", "area:2" or "line:7" stands for.  Refused: not_found."""
    kind, _separator, key = place.partition(":")
    model = PLACES.get(kind)
    located = model._default_manager.filter(pk=int(key)).first() if model and key.isdecimal() else None
    if located is None:
        context.refuse("not_found", _("There is no such place."))
    return located


def _site_id(assignment: RoleAssignment) -> int | None:
    located = assignment.site or assignment.area or assignment.work_center
    return located.site_id if located else None


def _refuse_own(context: Context) -> None:
    context.refuse(
        "own_rights",
        _("Nobody extends their own rights."),
        _("Ask somebody else who may change roles."),
    )
