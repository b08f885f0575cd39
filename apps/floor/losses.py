"""Where the time of a line went: OEE by station, losses that add up, and why it stood."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.floor.fragments import losses_fragment
from apps.floor.line import at_line
from apps.floor.losses_look import Period, losses_of
from apps.plant.models import WorkCenter


@require_GET
@at_line
def losses_screen(request: HttpRequest, line: WorkCenter) -> HttpResponse:
    """Of the period in `?of=`; one that does not exist is this shift."""
    asked = request.GET.get("of", "")
    period = Period(asked) if asked in Period.values else Period.SHIFT
    context = {
        "line": line,
        "periods": Period,
        "losses": losses_of(line, period),
        "address": losses_fragment.address(f"{line.pk}.{period}"),
    }
    return render(request, "floor/losses.html", context)
