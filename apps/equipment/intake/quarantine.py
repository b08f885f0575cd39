"""Signals that are kept out: shown to a person, and never more of them than a person can look at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import connection

from apps.equipment.intake.meaning import Doubtful
from apps.equipment.models import QuarantinedSignal, SignalSource

# So many rows of a source; what comes beyond is counted, by reason.
MOST_ROWS = 1000
SHOWN = 400

_REST = """
INSERT INTO equipment_quarantinedsignal (site_id, source_id, doubt, tag, payload, at, received_at, count, is_rest)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, true)
ON CONFLICT (source_id, doubt) WHERE is_rest DO UPDATE
   SET count = equipment_quarantinedsignal.count + excluded.count, tag = excluded.tag,
       payload = excluded.payload, at = excluded.at, received_at = excluded.received_at
"""


def keep_out(source: SignalSource, found: Sequence[Doubtful]) -> None:
    if not found:
        return
    kept = QuarantinedSignal.objects.filter(source=source, is_rest=False).count()
    room = max(0, MOST_ROWS - kept)
    QuarantinedSignal.objects.bulk_create(
        QuarantinedSignal(
            site_id=source.site_id,
            source=source,
            doubt=each.doubt,
            tag=plain(each.raw.tag)[:200],
            payload=shown(each.raw.payload),
            at=each.at,
            received_at=each.raw.received_at,
        )
        for each in found[:room]
    )
    rest = found[room:]
    last = {each.doubt: each for each in rest}
    with connection.cursor() as cursor:
        for doubt, count in sorted(Counter(each.doubt for each in rest).items()):
            raw = last[doubt].raw
            what = plain(raw.tag)[:200], shown(raw.payload), last[doubt].at, raw.received_at
            cursor.execute(_REST, [source.site_id, source.pk, doubt.value, *what, count])


def shown(payload: Any) -> str:
    """The beginning of it, as text that any database takes."""
    text = payload if isinstance(payload, str) else json.dumps(payload, default=str)
    return plain(text)[:SHOWN]


def plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
