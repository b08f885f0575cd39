"""Every change that can be made to exceptions; they begin and end with their cause: apps.andon.raising."""

from apps.andon.commands.answering import accept, acknowledge, cannot, give, on_the_way, progress, remark
from apps.andon.commands.calling import call_for_help, report_safety
from apps.andon.commands.channels import (
    add_channel,
    confirm_channel,
    drop_push_subscription,
    make_plant_key,
    move_channel,
    remove_channel,
    save_push_subscription,
    send_test,
)
from apps.andon.commands.clocks import pause_clock, resume_clock
from apps.andon.commands.ending import reopen, resolve, snooze
from apps.andon.commands.grouping import merge, split

__all__ = [
    "accept",
    "acknowledge",
    "add_channel",
    "call_for_help",
    "cannot",
    "confirm_channel",
    "drop_push_subscription",
    "give",
    "make_plant_key",
    "merge",
    "move_channel",
    "on_the_way",
    "pause_clock",
    "progress",
    "remark",
    "remove_channel",
    "reopen",
    "report_safety",
    "resolve",
    "resume_clock",
    "save_push_subscription",
    "send_test",
    "snooze",
    "split",
]
