"""Which of our people an employee of the ERP is."""

from __future__ import annotations

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.erp_sync.actions import POST
from apps.erp_sync.events import EmployeeNamed
from apps.erp_sync.models import ErpEmployee, Posting, PostingKind, PostingState
from apps.erp_sync.queries import TOPIC
from apps.plant.models import Person


@command("erp_sync.name_employee")
def name_employee(context: Context, *, employee_id: int, person_id: int | None) -> int:
    """The person's time goes to this employee from now on, and what has waited for that goes; how many that were.

    Refused: not_found, named_already.
    """
    rows = ErpEmployee.objects.select_for_update(of=("self",)).select_related("link__site")
    employee = rows.filter(pk=employee_id).first()
    if employee is None:
        context.refuse("not_found", _("There is no such employee any more. Reload the page."))
    context.allow(POST, at=employee.scope)
    person = Person.objects.filter(pk=person_id).first() if person_id is not None else None
    if person_id is not None and person is None:
        context.refuse("not_found", _("There is no such person any more. Reload the page."))
    other = ErpEmployee.objects.filter(link=employee.link_id, person=person).exclude(pk=employee.pk).first()
    if person is not None and other is not None:
        context.refuse(
            "named_already",
            _("In the ERP this person is %(name)s already. Take the person away there first.") % {"name": other.name},
        )
    employee.person = person
    employee.save(update_fields=["person"])
    waiting = Posting.objects.filter(
        link=employee.link_id,
        kind=PostingKind.LABOR,
        state=PostingState.PARKED,
        parked_reason__code="unmapped",
        time_entry__person=person,
    )
    going = 0
    if person is not None:
        going = waiting.update(state=PostingState.QUEUED, parked_reason={}, next_at=Now())
    context.record(
        EmployeeNamed(
            subject_id=employee.pk, site_id=employee.link.site_id, person_id=person.pk if person is not None else None
        )
    )
    context.touch(TOPIC)
    return going
