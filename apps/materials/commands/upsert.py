"""Takes rows in from a source: what is new is made, what differs is changed, the same twice changes nothing.

The number of queries does not grow with the number of rows.  Who sends decides what may be written: the ERP sync writes
the ERP's rows under its authority, anybody else rows of ours only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model, Q, UniqueConstraint
from django.utils.translation import gettext as _

from apps.core.actors import Origin
from apps.core.commands import Context
from apps.core.history_bulk import write_changed, write_created, write_deleted
from apps.core.ownership import erp_authority, owned_fields
from apps.materials.commands.candidates import Candidate, Children, References, Spec, Values
from apps.materials.commands.erp_rows import MOST_ROWS, Outcome, Rejected, Report, Row
from apps.materials.commands.rows import alone_with
from apps.materials.events import MasterDataTaken
from apps.plant.models import Person

VERSION = ("erp_version", "erp_version_at")


@dataclass(frozen=True, kw_only=True)
class Options:
    all_or_none: bool = False
    dry_run: bool = False
    adopt: bool = False
    site_id: int | None = None


def comes_from_erp(context: Context) -> bool:
    return context.actor.is_system and context.actor.origin == Origin.ERP


def check_size(context: Context, rows: Sequence[object]) -> None:
    if not 1 <= len(rows) <= MOST_ROWS:
        context.refuse("row_count", _("Send between 1 and %(most)s rows at once.") % {"most": MOST_ROWS})


def upsert(context: Context, spec: Spec, rows: Sequence[Row], options: Options) -> Report:
    """The caller has asked for the right. Refused: row_count."""
    check_size(context, rows)
    from_erp = comes_from_erp(context)
    alone_with("upsert", spec.model._meta.label)
    candidates = [Candidate(index, row) for index, row in enumerate(rows)]
    references = References(from_erp=from_erp)
    spec.load(rows, references)
    for candidate in candidates:
        with _rejecting(candidate):
            _check_key(candidate.row, from_erp=from_erp)
            candidate.values = spec.values(candidate.row, references)
            candidate.lines = spec.children.values(candidate.row, references) if spec.children else []
    known = _find(spec, candidates, options, from_erp=from_erp)
    mine = None if not from_erp else _attributes(spec.model, owned_fields(spec.model, options.site_id))
    for candidate in _open(candidates):
        with _rejecting(candidate):
            _compare(spec, candidate, mine)
    if spec.children:
        _compare_children(spec.children, _open(candidates))
    if spec.unique:
        _keep_names_apart(spec, candidates, known)
    spec.also(candidates)
    written = not options.dry_run and not (
        options.all_or_none and any(candidate.outcome == Outcome.REJECTED for candidate in candidates)
    )
    if written:
        _write(context, spec, candidates, from_erp=from_erp)
    return Report(rows=[candidate.report() for candidate in candidates], written=written)


def _open(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.is_open]


@contextmanager
def _rejecting(candidate: Candidate) -> Iterator[None]:
    try:
        yield
    except Rejected as problem:
        candidate.reject(problem)


def _check_key(row: Row, *, from_erp: bool) -> None:
    if from_erp and not row.erp_key:
        raise Rejected("erp_key", _("The key in the ERP is missing."))
    if not from_erp and row.erp_key:
        raise Rejected("erp_key", _("Only the ERP sends rows with a key in the ERP."))


def _name(spec: Spec, values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values[attribute] for attribute in spec.name)


def _name_of(spec: Spec, row: Model) -> tuple[Any, ...]:
    return tuple(getattr(row, attribute) for attribute in spec.name)


# ---- which row is meant


def _find(spec: Spec, candidates: list[Candidate], options: Options, *, from_erp: bool) -> list[Any]:
    """Gives each candidate its target, and returns all rows that were looked at: those meant and those in the way."""
    going = _open(candidates)
    named = Q(**{f"{attribute}__in": {c.values[attribute] for c in going} for attribute in spec.name})
    keyed = Q(erp_key__in={c.row.erp_key for c in going}) if from_erp else Q(pk__in=[])
    rows = list(spec.model._default_manager.select_for_update(no_key=True).filter(named | keyed).order_by("pk"))
    by_key = {row.erp_key: row for row in rows if row.erp_key}
    ours = {_name_of(spec, row): row for row in rows if not row.erp_key}
    erps = {_name_of(spec, row): row for row in rows if row.erp_key}
    seen: set[object] = set()
    for candidate in going:
        name = _name(spec, candidate.values)
        with _rejecting(candidate):
            identity = candidate.row.erp_key or name
            if identity in seen:
                raise Rejected("erp_key" if from_erp else spec.name[-1], _("This row is in the list twice."))
            seen.add(identity)
            if not from_erp:
                if spec.unique and name in erps:
                    raise Rejected(spec.name[-1], _("This row is the ERP's: change it there."))
                candidate.target = ours.get(name)
            else:
                candidate.target = by_key.get(candidate.row.erp_key)
            if from_erp and candidate.target is None and name in ours:
                if not (spec.adopts or options.adopt):
                    raise Rejected(
                        spec.name[-1], _("There is a row of ours by this name. Say that the ERP is to take it over.")
                    )
                candidate.target = ours.pop(name)
    return rows


def _keep_names_apart(spec: Spec, candidates: list[Candidate], known: list[Any]) -> None:
    """Rejects who would take the name of a row that keeps it; repeated, since who is rejected keeps its own name."""
    names = {c.target.pk: _name(spec, c.before) for c in candidates if c.target is not None and c.before}
    while True:
        going = _open(candidates)
        leaving = {candidate.target.pk for candidate in going if candidate.target.pk is not None}
        taken = {names.get(row.pk, _name_of(spec, row)) for row in known if row.pk not in leaving}
        for candidate in going:
            name = _name(spec, _values_of(spec, candidate))
            if name in taken:
                candidate.reject(Rejected(spec.name[-1], _("Another row is called %(name)s.") % {"name": name[-1]}))
            taken.add(name)
        if len(_open(candidates)) == len(going):
            return


def _values_of(spec: Spec, candidate: Candidate) -> Values:
    return {attribute: getattr(candidate.target, attribute) for attribute in spec.name}


# ---- what is new in it


def _compare(spec: Spec, candidate: Candidate, mine: frozenset[str] | None) -> None:
    row, target = candidate.row, candidate.target
    if target is None:
        candidate.target = target = spec.model(erp_key=row.erp_key, **candidate.values)
        _put_version(target, row)
        candidate.outcome, candidate.changed = Outcome.CREATED, set(candidate.values)
    else:
        candidate.before = {attribute: getattr(target, attribute) for attribute in candidate.values}
        if row.version_at and target.erp_version_at and row.version_at < target.erp_version_at:
            candidate.outcome = Outcome.STALE
            return
        for attribute, value in candidate.values.items():
            if candidate.before[attribute] != value and (mine is None or attribute in mine):
                candidate.changed.add(attribute)
                setattr(target, attribute, value)
        if target.erp_key != row.erp_key:
            candidate.changed.add("erp_key")
            target.erp_key = row.erp_key
        if candidate.changed:
            candidate.outcome = Outcome.UPDATED
    if candidate.changed:
        _check_values(target)


def _put_version(target: Any, row: Row) -> bool:
    """Whether it is another one; a version without a time does not take the time away."""
    before = (target.erp_version, target.erp_version_at)
    target.erp_version = row.version
    target.erp_version_at = row.version_at or target.erp_version_at
    return before != (target.erp_version, target.erp_version_at)


def _check_values(row: Model) -> None:
    """The fields' own rules; references were looked up already."""
    try:
        row.clean_fields(exclude=[f.name for f in row._meta.concrete_fields if f.is_relation or f.primary_key])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Rejected(name, " ".join(messages)) from error


def _compare_children(children: Children, candidates: list[Candidate]) -> None:
    parents = [candidate.target.pk for candidate in candidates if candidate.target.pk]
    there: dict[Any, dict[Any, Any]] = {}
    for row in children.model._default_manager.filter(**{f"{children.parent}__in": parents}):
        there.setdefault(getattr(row, f"{children.parent}_id"), {})[getattr(row, children.key)] = row
    for candidate in candidates:
        with _rejecting(candidate):
            _compare_lines(children, candidate, there.get(candidate.target.pk, {}))


def _compare_lines(children: Children, candidate: Candidate, there: dict[Any, Any]) -> None:
    for values in candidate.lines:
        row = there.pop(values[children.key], None)
        if row is None:
            row = children.model(**values)
            candidate.lines_new.append(row)
        elif any(getattr(row, attribute) != value for attribute, value in values.items()):
            for attribute, value in values.items():
                setattr(row, attribute, value)
            candidate.lines_changed.append(row)
        else:
            continue
        _check_values(row)
    candidate.lines_gone = list(there.values())
    if candidate.outcome == Outcome.UNCHANGED and (
        candidate.lines_new or candidate.lines_changed or candidate.lines_gone
    ):
        candidate.outcome = Outcome.UPDATED


# ---- writing


def _write(context: Context, spec: Spec, candidates: list[Candidate], *, from_erp: bool) -> None:
    going = _open(candidates)
    created = [candidate.target for candidate in going if candidate.outcome == Outcome.CREATED]
    updated = [candidate for candidate in going if candidate.outcome == Outcome.UPDATED]
    # A newer version of the same content is kept, so that what lies between is known to be stale.
    seen_again = [
        candidate.target
        for candidate in going
        if candidate.outcome != Outcome.CREATED and _put_version(candidate.target, candidate.row)
    ]
    changed = [candidate.target for candidate in updated if candidate.changed]
    user = Person(pk=context.actor.person_id) if context.actor.person_id else None
    with erp_authority(context) if from_erp else nullcontext(), _names_checked_at_end(spec):
        write_created(created, user=user)
        fields = set().union(*(candidate.changed for candidate in updated)) if updated else set()
        write_changed(changed, fields | set(VERSION), user=user)
        written = {row.pk for row in changed}
        if rest := [row for row in seen_again if row.pk not in written]:
            spec.model._default_manager.bulk_update(rest, VERSION, batch_size=MOST_ROWS)
        if spec.children:
            _write_children(spec.children, going, user)
    if created or updated:
        context.record(
            MasterDataTaken(
                subject_id=spec.model._meta.label,
                created=[row.pk for row in created],
                updated=[candidate.target.pk for candidate in updated],
            )
        )


def _write_children(children: Children, candidates: list[Candidate], user: Person | None) -> None:
    write_deleted([row for candidate in candidates for row in candidate.lines_gone], user=user)
    lines = [row for candidate in candidates for row in candidate.lines_changed]
    fields = set().union(*(set(values) for candidate in candidates for values in candidate.lines))
    write_changed(lines, fields, user=user)
    for candidate in candidates:
        for row in candidate.lines_new:
            setattr(row, f"{children.parent}_id", candidate.target.pk)
    write_created([row for candidate in candidates for row in candidate.lines_new], user=user)


@contextmanager
def _names_checked_at_end(spec: Spec) -> Iterator[None]:
    """Two rows of one delivery may swap their codes: the constraints wait until all is written."""
    models = [spec.model] + ([spec.children.model] if spec.children else [])
    constraints = [c for model in models for c in model._meta.constraints]
    names = [f'"{c.name}"' for c in constraints if isinstance(c, UniqueConstraint) and c.deferrable]
    if not names:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {', '.join(names)} DEFERRED")
        yield
        cursor.execute(f"SET CONSTRAINTS {', '.join(names)} IMMEDIATE")


def _attributes(model: type[Model], names: Iterable[str]) -> frozenset[str]:
    by_name = {each.name: each.attname for each in model._meta.concrete_fields}
    return frozenset(by_name[name] for name in names)
