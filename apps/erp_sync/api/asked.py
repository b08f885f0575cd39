"""What the query of a request asks for; what makes no sense is a problem that says so."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from rest_framework.request import Request

from apps.core.rights import Action
from apps.erp_sync.api.problems import Problem
from apps.erp_sync.api.tokens import Caller
from apps.plant.models import Site

M = TypeVar("M", bound=Model)


def number_in(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most) or (
        name == "limit" and text == "0"
    ):
        raise Problem("query", 400, _("%(name)s is a number up to %(most)s.") % {"name": name, "most": most})
    return int(text)


def moment_in(request: Request, name: str) -> datetime:
    text = request.query_params.get(name, "")
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or is_naive(moment):
        raise Problem("query", 400, _("%(name)s is a time with its zone, like 2026-06-01T06:00:00Z.") % {"name": name})
    return moment


def site_in(request: Request, action: Action) -> Site:
    """The one that is named; a token of one site need not say it."""
    caller: Caller = request.user  # type: ignore[assignment]  # the permission has seen to it
    sites = Site.objects.visible_to(caller.actor, action)
    code = request.query_params.get("site", "")
    found = list((sites.filter(code=code) if code and "\0" not in code else sites)[:2])
    if len(found) != 1:
        raise Problem("site", 404 if code else 400, _("Name the site, by its code."))
    return found[0]


def row_in(request: Request, name: str, rows: QuerySet[M]) -> M | None:
    """The one of `rows` with that code; None where none is asked for."""
    code = request.query_params.get(name, "")
    if not code:
        return None
    row = rows.filter(code=code).first() if "\0" not in code else None
    if row is None:
        raise Problem("not_found", 404, _("There is nothing here."))
    return row
