"""Every change that can be made to exceptions; they begin and end with their cause: apps.andon.raising."""

from apps.andon.commands.answering import accept, acknowledge, cannot, give, on_the_way, progress, remark
from apps.andon.commands.calling import call_for_help, report_safety
from apps.andon.commands.clocks import pause_clock, resume_clock
from apps.andon.commands.ending import reopen, resolve, snooze
from apps.andon.commands.grouping import merge, split

__all__ = [
    "accept",
    "acknowledge",
    "call_for_help",
    "cannot",
    "give",
    "merge",
    "on_the_way",
    "pause_clock",
    "progress",
    "remark",
    "reopen",
    "report_safety",
    "resolve",
    "resume_clock",
    "snooze",
    "split",
]
