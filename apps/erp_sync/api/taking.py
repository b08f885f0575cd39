"""One delivery: read the rows, let the command judge and write them, say what came of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.erp_sync.api.idempotency import Answer
from apps.erp_sync.api.problems import Problem
from apps.erp_sync.api.resources import Resource
from apps.erp_sync.api.tokens import Caller
from apps.materials.commands.erp_rows import MOST_ROWS, Outcome, RowReport
from apps.plant.models import Site

MODES = ("all", "each")
SWITCH = {"0": False, "1": True}


@dataclass(frozen=True, kw_only=True)
class Options:
    mode: str = "all"
    dry_run: bool = False
    adopt: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str], resource: Resource) -> Options:
        """Raises Problem."""
        known = {"mode", "dry_run"} | ({"adopt"} if resource.adopts else set())
        mode = query.get("mode", "all")
        switches = {name: query.get(name, "0") for name in ("dry_run", "adopt")}
        if set(query) - known or mode not in MODES or not SWITCH.keys() >= set(switches.values()):
            raise Problem(
                "query",
                400,
                _("Known are: %(names)s; mode is all or each, a switch 0 or 1.") % {"names": sorted(known)},
            )
        return cls(mode=mode, dry_run=SWITCH[switches["dry_run"]], adopt=SWITCH[switches["adopt"]])


def take(resource: Resource, caller: Caller, command_id: UUID, body: Any, options: Options) -> Answer:
    """Raises Problem, CommandRefused."""
    sent, inputs = _read_body(resource, caller, body)
    reports, rows = _read_rows(resource, sent)
    spoilt = options.mode == "all" and bool(reports)
    written = False
    if rows:
        inputs |= {"adopt": True} if options.adopt else {}
        answer = resource.command(
            caller.actor,
            # What can't be written any more is only judged; that judgement is not this call's effect.
            uuid4() if spoilt else command_id,
            rows=list(rows.values()),
            all_or_none=options.mode == "all",
            dry_run=options.dry_run or spoilt,
            **inputs,
        )
        written = answer.written
        reports |= dict(zip(rows, answer.rows, strict=True))
    return _answer(options, sent, reports, written=written)


def _read_body(resource: Resource, caller: Caller, body: Any) -> tuple[list[Any], dict[str, Any]]:
    """The rows as they came, and the command's other inputs."""
    if not isinstance(body, dict) or not isinstance(body.get("rows"), list):
        raise Problem("shape", 422, _('Send an object with a list of "rows".'), field="rows")
    known = {"rows", *resource.extras} | ({"site"} if resource.per_site else set())
    if unknown := sorted(set(body) - known):
        raise Problem("shape", 422, _("There is no such field."), field=unknown[0])
    if len(body["rows"]) > MOST_ROWS:
        raise Problem("row_count", 413, _("Send between 1 and %(most)s rows at once.") % {"most": MOST_ROWS})
    if not body["rows"]:
        raise Problem("row_count", 422, _("Send between 1 and %(most)s rows at once.") % {"most": MOST_ROWS})
    inputs: dict[str, Any] = {}
    for name, make in resource.extras.items():
        field = make()
        if name not in body and not field.required:
            continue
        try:
            inputs[name] = field.run_validation(body.get(name, serializers.empty))
        except serializers.ValidationError as error:
            raise Problem("shape", 422, str(error.detail[0]), field=name) from error  # type: ignore[index]
    if resource.per_site:
        inputs["site_id"] = _site_of(caller, body.get("site")).pk
    return body["rows"], inputs


def _site_of(caller: Caller, code: Any) -> Site:
    """A token of one site need not say it; of another site it hears no more than of one that does not exist."""
    own = caller.token.site
    if own is not None and code in (None, own.code):
        return own
    if code is None:
        raise Problem("shape", 422, _("Say which site."), field="site")
    site = Site.objects.filter(code=code).first() if own is None and isinstance(code, str) and code.isascii() else None
    if site is None:
        raise Problem("not_found", 404, _("There is no such site here."), field="site")
    return site


def _read_rows(resource: Resource, sent: list[Any]) -> tuple[dict[int, RowReport], dict[int, Any]]:
    """Reports of those of a wrong shape, and the others."""
    shape = resource.shape()
    reports: dict[int, RowReport] = {}
    rows: dict[int, Any] = {}
    for index, one in enumerate(sent):
        try:
            rows[index] = resource.row(shape.run_validation(one))
        except serializers.ValidationError as error:
            name, sentence = first_of(error.detail)
            reports[index] = RowReport(index=index, outcome=Outcome.REJECTED, field=name, sentence=sentence)
    return reports, rows


def first_of(detail: Any, path: str = "") -> tuple[str, str]:
    """The first of nested errors: ("lines[0].quantity", "A valid number is required.")."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        if isinstance(name, int):
            return first_of(inner, f"{path}[{name}]")
        own = "" if name == "non_field_errors" else str(name)
        return first_of(inner, f"{path}.{own}" if path and own else path or own)
    if isinstance(detail, list):
        if detail and isinstance(detail[0], dict):
            number = next(n for n, inner in enumerate(detail) if inner)
            return first_of(detail[number], f"{path}[{number}]")
        return first_of(detail[0], path)
    return path, str(detail)


def _answer(options: Options, sent: list[Any], reports: dict[int, RowReport], *, written: bool) -> Answer:
    results = [_result(index, one, reports[index]) for index, one in enumerate(sent)]
    counts = dict(sorted(Counter(result["outcome"] for result in results).items()))
    told = {"counts": counts, "results": results}
    if options.mode == "all" and counts.get(Outcome.REJECTED.value):
        wrong = next(result for result in results if result["outcome"] == Outcome.REJECTED.value)
        detail = _("Nothing was taken. Row %(index)s, %(field)s: %(sentence)s") % wrong
        return Answer(status=422, body={"problem": "rows_rejected", "detail": detail, **told})
    return Answer(status=200, body={"mode": options.mode, "dry_run": options.dry_run, "written": written, **told})


def _result(index: int, sent: Any, report: RowReport) -> dict[str, Any]:
    key = sent.get("key", "") if isinstance(sent, dict) else ""
    return {
        "index": index,
        "key": key if isinstance(key, str) else "",
        "outcome": report.outcome.value,
        "field": "key" if report.field == "erp_key" else report.field,
        "sentence": report.sentence,
    }
