"""Which workflow, and which version of it, a new item starts on.

    chooser = Chooser("job_order", context.now)            # one query, however many items
    version = chooser.version_for(Facts(site="S1", line="L3", work_center_id=7, item="ES-65", customer="ACME"))

Of the workflows of a kind the one that names most closely what the item is for wins: customer before item before line
before site. One that names nothing is the kind's default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from apps.core.errors import CommandRefused
from apps.core.prepared import Given, Prepared
from apps.workflows.definition import WhereSpec
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version, VersionStatus


class Facts(NamedTuple):
    """Of a new item, by codes; what it does not have is empty. `work_center_id` is the line's."""

    site: str = ""
    line: str = ""
    item: str = ""
    customer: str = ""
    work_center_id: int | None = None


# Of each workflow the newest version in force everywhere, and those above it that hold on some lines first.
_OFFERED = """
    SELECT * FROM (
        SELECT v.*, w.code AS workflow_code, r.line_ids AS first_on,
               r.version_id IS NULL OR r.widened_at IS NOT NULL AS is_everywhere,
               max(v.number) FILTER (WHERE r.version_id IS NULL OR r.widened_at IS NOT NULL)
                   OVER (PARTITION BY v.workflow_id) AS newest
        FROM workflows_version v
        JOIN workflows_workflow w ON w.id = v.workflow_id
        LEFT JOIN workflows_rollout r ON r.version_id = v.id
        WHERE w.kind = %s AND v.status = 'published' AND v.effective_from <= %s
    ) AS offered
    WHERE number >= coalesce(newest, 0)
    ORDER BY workflow_code, number DESC
"""

# What counts most comes first.
_RANKS = ("customer", "item", "line", "site")


@dataclass(frozen=True)
class _Offer:
    version: Version
    is_everywhere: bool
    first_on: frozenset[int]
    wheres: tuple[dict[str, str], ...]

    def holds_on(self, work_center_id: int | None) -> bool:
        return self.is_everywhere or work_center_id in self.first_on

    def rank(self, facts: Facts) -> tuple[bool, ...] | None:
        """How closely it names the item; None: it is not for it."""
        fitting = [tuple(bool(where.get(name)) for name in _RANKS) for where in self.wheres if _fits(where, facts)]
        return max(fitting, default=None)


def is_for(wheres: Iterable[Mapping[str, str]], facts: Facts) -> bool:
    """Whether a workflow that applies to these places is for such an item, if no other names it more closely."""
    return any(_fits(where, facts) for where in wheres)


def _fits(where: Mapping[str, str], facts: Facts) -> bool:
    return all(where.get(name) in ("", None, getattr(facts, name)) for name in _RANKS)


class Chooser:
    """Reads once what is in force; `at` is when the items begin."""

    def __init__(self, kind: str, at: datetime) -> None:
        self.kind, self.at = kind, at

    def version_for(self, facts: Facts) -> Version:
        """Raises CommandRefused where no workflow is for such an item."""
        best: tuple[tuple[bool, ...], Version] | None = None
        for offer in self._of_each_workflow(facts.work_center_id):
            rank = offer.rank(facts)
            if rank is not None and (best is None or rank > best[0]):
                best = rank, offer.version
        if best is None:
            raise CommandRefused(
                "no_workflow",
                _("No workflow is in force for this %(item)s.") % {"item": KINDS[self.kind].label},
                _("A process engineer publishes one in the admin."),
                {"kind": self.kind, **facts._asdict()},
            )
        return best[1]

    def _of_each_workflow(self, work_center_id: int | None) -> Iterator[_Offer]:
        """The newest that holds on the line; the order of `_OFFERED` puts it before the older ones."""
        seen: set[int] = set()
        for offer in self._offers:
            workflow_id = offer.version.workflow_id
            if workflow_id not in seen and offer.holds_on(work_center_id):
                seen.add(workflow_id)
                yield offer

    @cached_property
    def _offers(self) -> Sequence[_Offer]:
        rows: Iterable[Any] = Version.objects.raw(_OFFERED, [self.kind, self.at])
        return [
            _Offer(row, row.is_everywhere, frozenset(row.first_on or ()), tuple(row.applies_to) or ({},))
            for row in rows
        ]


def version_for(kind: str, facts: Facts, at: datetime) -> Version:
    """For one item; many of them ask one Chooser. One query; raises CommandRefused where no workflow is for it."""
    return Chooser(kind, at).version_for(facts)


@dataclass(frozen=True)
class Others:
    """What the rest of a kind's workflows are for: their names, now or from a date to come.

    has_default  one of them is for all new items that no workflow names
    is_default   this workflow is for those today
    """

    theirs: Mapping[WhereSpec, str]
    has_default: bool
    is_default: bool


def others_of(kind: str, workflow_code: str, at: datetime) -> Others:
    """Two queries."""
    theirs: dict[WhereSpec, str] = {}
    latest: set[str] = set()
    for version in _THEIRS(kind=kind, workflow=workflow_code):
        if version.workflow.code in latest:
            continue
        if not _is_provisional(version):
            latest.add(version.workflow.code)
        for where in version.applies_to or [{}]:
            theirs.setdefault(WhereSpec.model_validate(where), version.workflow.name)
    newest: dict[str, Version] = {}
    for version in _IN_FORCE(kind=kind, at=at):
        newest.setdefault(version.workflow.code, version)
    defaults = {code for code, version in newest.items() if not version.applies_to}
    return Others(theirs, bool(defaults - {workflow_code}), workflow_code in defaults)


_THEIRS = Prepared(
    lambda: (
        Version.objects.filter(workflow__kind=Given("kind"), status=VersionStatus.PUBLISHED)
        .exclude(workflow__code=Given("workflow"))
        .select_related("workflow", "rollout")
        .order_by("-number")
    )
)
_IN_FORCE = Prepared(
    lambda: Version.objects.in_force(at=Given("at")).filter(workflow__kind=Given("kind")).select_related("workflow")
)


def _is_provisional(version: Version) -> bool:
    """Below it an older version is still in force somewhere, or for some time."""
    rollout = getattr(version, "rollout", None)
    return rollout is not None and (rollout.widened_at is None or rollout.took_effect_at is None)
