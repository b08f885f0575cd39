"""The rules that are in force, kept by each process and looked at anew every second.

What is published never changes, nor does a stop until it is over, nor where a version holds until it is widened: so
their ids say whether what is kept still holds, and a booking without rules for its events pays for one look into a
dictionary. Whose hour has come is asked of the clock.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter

import cel
from django.db import DatabaseError, transaction
from pydantic import ValidationError

from apps.core.commands import Context
from apps.core.prepared import planned_once
from apps.workflows import guards
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.models import RuleRollout, RuleStop, RuleVersion
from apps.workflows.surroundings import Surroundings

log = logging.getLogger(__name__)

REREAD_SECONDS = 1.0

_IDS = """
    SELECT (SELECT array_agg(id ORDER BY id) FROM workflows_ruleversion WHERE status = 'published'),
           (SELECT array_agg(id ORDER BY id) FROM workflows_rulestop WHERE resumed_at IS NULL),
           (SELECT array_agg(id ORDER BY id) FROM workflows_rulerollout WHERE widened_at IS NULL)
"""
Ids = tuple[list[int] | None, list[int] | None, list[int] | None]


@dataclass(frozen=True)
class Place:
    """Where a rule runs: what it fails at is switched off there."""

    site_id: int | None
    work_center_id: int | None

    def is_within(self, other: Place) -> bool:
        """`other` without a line is the whole site, without a site it is everywhere."""
        if other.work_center_id is not None:
            return self.work_center_id == other.work_center_id
        return other.site_id is None or self.site_id == other.site_id


EVERYWHERE = Place(None, None)


@dataclass(frozen=True)
class Reach:
    """From when and where a published version holds; the defaults are of one that was published for all at once."""

    starts_at: datetime | None = None
    line_ids: frozenset[int] | None = None

    def has_begun(self, at: datetime) -> bool:
        return self.starts_at is None or self.starts_at <= at

    def covers(self, place: Place, at: datetime) -> bool:
        return self.has_begun(at) and (self.line_ids is None or place.work_center_id in self.line_ids)


@dataclass(frozen=True)
class LiveRule:
    """`yields_to`: the reaches of the versions of its rule that were published after it."""

    rule_id: int
    version_id: int
    number: int
    spec: RuleSpec
    off_at: tuple[Place, ...]
    reach: Reach = Reach()
    yields_to: tuple[Reach, ...] = ()

    @cached_property
    def program(self) -> cel.Program | None:
        return guards.compiled(self.spec.expression) if self.spec.expression else None

    @cached_property
    def names(self) -> AbstractSet[str]:
        """The facts that its condition asks for."""
        return {condition.field for condition in self.spec.conditions} | guards.names_in(self.spec.expression)

    @property
    def counts_things(self) -> bool:
        return self.spec.window is not None and self.spec.window.of == "things"

    def holds_at(self, place: Place, at: datetime) -> bool:
        """Of all versions of a rule, at most one does."""
        return self.reach.covers(place, at) and not any(later.covers(place, at) for later in self.yields_to)

    def is_off(self, place: Place) -> bool:
        return any(place.is_within(off) for off in self.off_at)

    def is_for(self, around: Surroundings) -> bool:
        """Whether the event lies in its scope: of a place all that is given has to fit."""
        return not self.spec.scope or any(
            all(not code or code == getattr(around, name) for name, code in where.model_dump().items())
            for where in self.spec.scope
        )


Rules = Mapping[str, tuple[LiveRule, ...]]


@dataclass
class Kept:
    rules: Rules = field(default_factory=dict)
    ids: Ids | None = None
    read_at: float | None = None


_kept = Kept()


def rules_in_force() -> Rules:
    """By kind of event, the oldest rule first.  A statement a second; several when something has changed.

    Raises nothing: where they can't be read, what is kept goes on.
    """
    if _kept.read_at is None or time.monotonic() - _kept.read_at > REREAD_SECONDS:
        try:
            with transaction.atomic():
                _reread()
        except DatabaseError:
            log.exception("rules can't be read")
    return _kept.rules


def forget() -> None:
    """The next question reads anew: this process has just changed something."""
    _kept.read_at = None


def _reread() -> None:
    with planned_once() as cursor:
        cursor.execute(_IDS)
        ids: Ids = cursor.fetchone()
    if ids != _kept.ids:
        _kept.rules, _kept.ids = _read(), ids
    _kept.read_at = time.monotonic()


def changed(context: Context, rule_id: int) -> None:
    """This process follows at once, the others within a second."""
    context.touch(f"rule:{rule_id}")
    forget()
    transaction.on_commit(forget)


def begun_under(version_id: int) -> LiveRule | None:
    """The version that something was begun under, though another may have taken its place since; None: the rule has
    none in force any more.  Three queries: what was switched off this moment is off.
    """
    version = RuleVersion.objects.get(pk=version_id)
    if not RuleVersion.objects.published().filter(rule=version.rule_id).exists():
        return None
    return _live(version, list(RuleStop.objects.in_force().filter(rule=version.rule_id)))


def in_force_beside(version: RuleVersion, at: datetime) -> RuleVersion | None:
    """The version of its rule that holds everywhere, which another one is compared with. None for itself."""
    found = RuleVersion.objects.in_force(at=at).filter(rule=version.rule_id).first()
    return found if found and found.pk != version.pk else None


def _read() -> Rules:
    stops: defaultdict[int, list[RuleStop]] = defaultdict(list)
    for stop in RuleStop.objects.in_force():
        stops[stop.rule_id].append(stop)
    later: defaultdict[int, list[Reach]] = defaultdict(list)
    found: defaultdict[str, list[LiveRule]] = defaultdict(list)
    for version in RuleVersion.objects.published().select_related("rollout").order_by("-published_at", "-number"):
        rule = _live(version, stops[version.rule_id], _reach(version), later[version.rule_id])
        if rule is not None:
            found[version.event].append(rule)
            later[version.rule_id].append(rule.reach)
    return {kind: tuple(sorted(rules, key=attrgetter("rule_id"))) for kind, rules in found.items()}


def _reach(version: RuleVersion) -> Reach:
    rollout: RuleRollout | None = getattr(version, "rollout", None)
    if rollout is None:
        return Reach()
    return Reach(rollout.starts_at, None if rollout.widened_at else frozenset(rollout.line_ids))


def _live(
    version: RuleVersion, stops: Iterable[RuleStop], reach: Reach = Reach(), later: Iterable[Reach] = ()
) -> LiveRule | None:
    """`stops`: of its rule, those in force."""
    spec = spec_of(version)
    if spec is None:
        return None
    off = [stop for stop in stops if stop.version_id in (None, version.pk)]
    return LiveRule(
        rule_id=version.rule_id,
        version_id=version.pk,
        number=version.number,
        spec=spec,
        off_at=tuple(Place(stop.site_id, stop.work_center_id) for stop in off),
        reach=reach,
        yields_to=tuple(later),
    )


def spec_of(version: RuleVersion) -> RuleSpec | None:
    """None for what an older release has published and this one does not understand."""
    try:
        return RuleSpec.model_validate(version.content)
    except ValidationError:
        log.exception("rule version %s can't be read, so it follows nothing", version.pk)
        return None
