"""Exceptions raised by a bench, as an app raises them; to be imported once Django is set up."""

from __future__ import annotations

from apps.andon.causes import Cause
from apps.andon.raising import end_causes, raise_exceptions
from apps.core.commands import Context, command


@command("bench.raise")
def raise_some(context: Context, *, site_id: int, line_id: int, first: int, count: int, type_code: str) -> None:
    context.allow_anyone()
    raise_exceptions(
        context,
        [
            Cause(type=type_code, kind="bench", key=str(n), site_id=site_id, work_center_id=line_id)
            for n in range(first, first + count)
        ],
    )


@command("bench.end")
def end_one(context: Context, *, site_id: int, number: int) -> None:
    context.allow_anyone()
    end_causes(context, site_id=site_id, kind="bench", keys=[str(number)])
