"""The page "Publish": what keeps a version from the floor, what becomes of the items under way, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.plant.administration import actor_of
from apps.plant.models import Site, WorkCenter
from apps.plant.shifts_calendar import next_shift_of_site
from apps.workflows import people
from apps.workflows.actions import EDIT, PUBLISH, STOP_EDGE
from apps.workflows.check import check, errors_in
from apps.workflows.definition import Definition, StateSpec, word
from apps.workflows.kinds import KINDS, Kind
from apps.workflows.life.forms import DECIDE, ITEM, LINE, MOVE_TO, SENT, STAY, Sent
from apps.workflows.life.planning import Blocked, DryRun, Row, dry_run, keeps, to_be_moved, why_not
from apps.workflows.models import Course, Policy, Version, VersionStatus
from apps.workflows.models.life import VersionLife
from apps.workflows.rows import to_definition
from apps.workflows.studio.pages import in_force_beside, shown


def publish(request: HttpRequest, version: Version) -> HttpResponse:
    if request.method == "POST":
        return sent(request, version, SENT, "admin:workflows_version_publish")
    actor, definition = actor_of(request), to_definition(version)
    now = clock.now()
    found = dry_run(version, Context("workflows.dry_run", actor, uuid4(), now, now))
    return shown(
        request,
        version,
        "publish",
        "workflows/life/publish.html",
        {
            "run": found,
            "now": now,
            "plan_rows": _plan_rows(version, definition, found),
            "policies": Policy.choices,
            "missing": _missing(version, definition, found),
            "may_stop": rights.may(actor, STOP_EDGE, EVERYWHERE),
            "edges": _edges(version, definition),
            "moves_back": True,
            **_choices(version),
            **_rollout(version),
            **who_and_who(actor, version),
        },
    )


def who_and_who(actor: Actor, version: VersionLife) -> dict[str, Any]:
    """Who has written and approved it, and what the actor may do about it."""
    return {
        "is_own_work": actor.person_id in version.editor_ids or actor.person_id is None,
        "may_edit": rights.may(actor, EDIT, EVERYWHERE),
        "may_publish": rights.may(actor, PUBLISH, EVERYWHERE),
        "command_id": uuid4(),
        "author": people.person_name(version.author_id),
        "approver": people.person_name(version.approver_id),
    }


def sent(request: HttpRequest, version: Any, forms: Mapping[str, Sent], page: str) -> HttpResponse:
    """What a button of the page says is done; the page comes again, of another version where one was made."""
    send = forms.get(request.POST.get("_do", ""))
    if send is None:
        raise PermissionDenied
    next_id: int | None = None
    try:
        next_id = send(actor_of(request), UUID(request.POST.get("command_id", "")), version, request.POST)
    except CommandRefused as refusal:
        messages.error(request, str(refusal))
    except ValueError:
        messages.error(request, _("Reload the page and try again."))
    else:
        messages.success(request, _("Done."))
    return HttpResponseRedirect(reverse(page, args=[next_id or version.pk]))


# ---- what keeps it from going on


def _missing(version: Version, definition: Definition, found: DryRun) -> list[str]:
    """Sentences; the button names how many are left."""
    if version.status not in {VersionStatus.DRAFT, VersionStatus.IN_REVIEW}:
        return []
    errors = errors_in(check(definition, KINDS.get(definition.kind)))
    sentences = [*map(str, errors), *found.problems]
    if version.is_draft and found.decide:
        sentences.append(_("%(n)s items wait for a decision whether they move.") % {"n": found.decide})
    return sentences


# ---- the plan


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class DecisionRow:
    item: Blocked
    field: str
    options: Sequence[Option]


@dataclass(frozen=True)
class PlanRow:
    """One line of the form: the items of one state of one older version. Without options there is nothing to choose."""

    row: Row
    field: str
    label: str
    options: Sequence[Option]
    decisions: Sequence[DecisionRow]


def _plan_rows(version: Version, definition: Definition, found: DryRun) -> list[PlanRow]:
    kind = KINDS.get(definition.kind)
    if kind is None:
        return []
    decided = dict(version.move_decisions.values_list("item_id", "to_state"))
    return [
        PlanRow(
            row,
            f"{LINE}{row.from_version.pk}-{row.state.code}",
            word(row.state.labels, row.state.code),
            list(_options(kind, found.policy, row, definition)) if _has_choice(found.policy, row) else [],
            [_decision(kind, row, definition, item, decided) for item in _asked(row)],
        )
        for row in found.rows
        if row.count or _has_choice(found.policy, row)
    ]


def _has_choice(policy: Policy, row: Row) -> bool:
    return policy == Policy.PLAN or (policy == Policy.SAFE and row.state.is_safe)


def _asked(row: Row) -> Sequence[Blocked]:
    return [*row.open, *row.decided] if row.course == Course.DECIDE else []


def _options(kind: Kind, policy: Policy, row: Row, definition: Definition) -> Iterator[Option]:
    chosen = _chosen(row, definition)
    yield Option(STAY, _("stay on version %(number)s") % {"number": row.from_version.number}, chosen == STAY)
    if policy == Policy.PLAN:
        yield Option(DECIDE, _("decide each"), chosen == DECIDE)
    yield from _targets(kind, policy, row.state, definition, chosen)


def _chosen(row: Row, definition: Definition) -> str:
    """What was said; where nothing was, the state of the same code, if nothing changes there."""
    match row.course:
        case Course.STAY:
            return STAY
        case Course.DECIDE:
            return DECIDE
        case Course.MOVE:
            return f"{MOVE_TO}{row.target.code}" if row.target else ""
    same = next((state for state in definition.states if state.code == row.state.code), None)
    return f"{MOVE_TO}{row.state.code}" if keeps(row.state, same) else ""


def _targets(kind: Kind, policy: Policy, old: StateSpec, definition: Definition, chosen: str) -> Iterator[Option]:
    for new in definition.states:
        if not why_not(kind, policy, old, new):
            label = _("move to %(state)s") % {"state": word(new.labels, new.code)}
            yield Option(f"{MOVE_TO}{new.code}", label, chosen == f"{MOVE_TO}{new.code}")


def _decision(
    kind: Kind, row: Row, definition: Definition, item: Blocked, decided: dict[int, str]
) -> DecisionRow:  # fmt: skip
    said = decided.get(item.item_id)
    chosen = "" if said is None else f"{MOVE_TO}{said}" if said else STAY
    options = [
        Option("", _("not decided"), is_chosen=not chosen),
        Option(STAY, _("stays"), chosen == STAY),
        *_targets(kind, Policy.PLAN, row.state, definition, chosen),
    ]
    return DecisionRow(item, f"{ITEM}{item.item_id}", options)


# ---- when and where, how far it is, the way back


def _choices(version: Version) -> dict[str, Any]:
    kind = KINDS.get(version.workflow.kind)
    return whens_and_wheres(version, has_lines=bool(kind and kind.line))


def whens_and_wheres(version: VersionLife, *, has_lines: bool) -> dict[str, Any]:
    """What a publication is asked: from when, and on which lines first."""
    if version.status != VersionStatus.IN_REVIEW:
        return {}
    now = clock.now()
    shifts = [(site, next_shift_of_site(site.pk, now)) for site in Site.objects.order_by("code")]
    return {
        "next_shifts": [(site, shift) for site, shift in shifts if shift],
        "lines": WorkCenter.objects.select_related("site").order_by("site__code", "code") if has_lines else [],
    }


def _rollout(version: Version) -> dict[str, Any]:
    if version.status != VersionStatus.PUBLISHED:
        return {}
    kind, rollout = KINDS.get(version.workflow.kind), getattr(version, "rollout", None)
    newer = in_force_beside(version)
    facts: dict[str, Any] = {
        "rollout": rollout,
        "newer": newer if newer and newer.number > version.number else None,
        "ways_back": version.workflow.versions.filter(
            status__in=[VersionStatus.PUBLISHED, VersionStatus.RETIRED], number__lt=version.number
        ).order_by("-number"),
    }
    if rollout is not None and kind is not None:
        lines = None if rollout.widened_at else rollout.line_ids
        facts["first_on"] = WorkCenter.objects.filter(pk__in=rollout.line_ids).order_by("code")
        facts["still_to_move"] = 0 if facts["newer"] else to_be_moved(kind, version, lines).count()
    return facts


@dataclass(frozen=True)
class EdgeRow:
    """`stopped_by` is empty where it runs, or nobody is named."""

    code: str
    label: str
    stop: Any
    stopped_by: str


def _edges(version: Version, definition: Definition) -> list[EdgeRow]:
    """Each step once, in the order of screens; of a version that was never published those that are stopped."""
    stops = {stop.edge: stop for stop in version.workflow.stops.in_force()}
    labels = {edge.code: word(edge.labels, edge.code) for edge in definition.edges}
    codes = [*labels, *(code for code in stops if code not in labels)] if version.published_at else [*stops]
    return [
        EdgeRow(
            code,
            labels.get(code, code),
            stops.get(code),
            people.person_name(stops[code].stopped_by_id) if code in stops else "",
        )
        for code in codes
    ]
