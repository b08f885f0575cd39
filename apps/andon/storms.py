"""One cause with many effects: the many become children of one, which alone pages people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.owners import rules_of
from apps.core.commands import Context

STORM = "storm"


def storms_in(context: Context, raised: Sequence[FloorException]) -> list[tuple[Cause, list[FloorException]]]:
    """What these, with those raised shortly before, make up: the cause of the parent, and its children."""
    groups: defaultdict[tuple[int, int | None], list[FloorException]] = defaultdict(list)
    for exception in raised:
        if exception.type.gathers:
            groups[exception.type_id, exception.area_id].append(exception)
    storms = []
    for (type_id, area_id), members in groups.items():
        first = members[0]
        rules = rules_of(first.site)
        since = context.now - timedelta(seconds=rules.storm_seconds)
        lately = FloorException.objects.not_done().filter(
            site=first.site_id, type=type_id, area=area_id, parent=None, raised_at__gte=since
        )
        every = list(
            lately.select_related("type", "policy_version", "site").select_for_update(of=("self",)).order_by("pk")
        )
        key = f"{first.type.code}:{area_id or 0}"
        if len(every) >= rules.storm_count or _goes_on(first.site_id, key):
            storms.append((_cause(first, key, len(every)), every))
    return storms


def _goes_on(site_id: int, key: str) -> bool:
    return FloorException.objects.not_done().filter(site=site_id, cause_kind=STORM, cause_key=key).exists()


def _cause(first: FloorException, key: str, count: int) -> Cause:
    return Cause(
        type=STORM,
        kind=STORM,
        key=key,
        site_id=first.site_id,
        area_id=first.area_id,
        facts={"type": first.type.code, "count": count},
        at=first.raised_at,
    )


def _has_children(exception: FloorException) -> bool:
    return exception.children.filter(closed_at=None).exists()


def _sentences(exceptions: Collection[FloorException]) -> Mapping[int, str]:
    """One query."""
    rows = FloorException.objects.filter(parent__in=exceptions).order_by().values_list("parent")
    counts = {pk: n for pk, *n in rows.annotate(every=Count("pk"), left=Count("pk", filter=Q(closed_at=None)))}
    return {exception.pk: _sentence(*counts.get(exception.pk, (0, 0))) for exception in exceptions}


def _sentence(every: int, left: int) -> str:
    return _("%(count)s at once, %(open)s still open. Look for the one cause: power, network, ERP.") % {
        "count": every,
        "open": left,
    }


def _headline(exception: FloorException) -> str:
    place = exception.area or exception.site
    return _("%(place)s: many at once") % {"place": place.code}


STORM_CAUSE = declare(
    CauseKind(
        code=STORM,
        label=gettext_lazy("many at once"),
        headline=_headline,
        sentences=_sentences,
        is_present=_has_children,
    )
)
