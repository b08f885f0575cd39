"""Rules that say "still so after N seconds": what is due is looked at again, and only then do they act.

The claim is the transaction: a worker that dies has done nothing, and another one takes the timer.
"""

from __future__ import annotations

import logging

from apps.core import ledger
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import STOP_RULE
from apps.workflows.rules.in_force import begun_under
from apps.workflows.rules.models import RuleTimer
from apps.workflows.rules.running import follow_after_all

log = logging.getLogger(__name__)

AT_ONCE = 50


@command("workflows.look_again")
def look_again(context: Context, *, timer_id: int) -> bool:
    """For the worker: by the version that has set the timer, unless its rule is out of force or off by now. False: it
    is another worker's, or is done.
    """
    context.allow(STOP_RULE, at=EVERYWHERE)
    rows = RuleTimer.objects.due(context.now).select_for_update(of=("self",), skip_locked=True)
    timer = rows.filter(pk=timer_id).first()
    if timer is None:
        return False
    timer.delete()
    rule, heard = begun_under(timer.version_id), ledger.heard_again(timer.event_id)
    if heard is None:
        log.error("event %s can't be read, so rule version %s passes it over", timer.event_id, timer.version_id)
    elif rule is not None:
        follow_after_all(heard, rule, context)
    return True
