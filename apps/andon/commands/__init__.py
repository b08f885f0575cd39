"""Every change that can be made to exceptions; they begin and end with their cause: apps.andon.raising."""

from apps.andon.commands.answering import accept, acknowledge, cannot, give, on_the_way, progress, remark
from apps.andon.commands.calling import call_for_help, report_safety, ring_again
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
from apps.andon.commands.curing import apply_cure
from apps.andon.commands.drafting_rules import draft_rule_from
from apps.andon.commands.ending import reopen, resolve, snooze
from apps.andon.commands.grouping import merge, split
from apps.andon.commands.playbooks import (
    draft_playbook,
    draft_step_from,
    follow_step,
    publish_playbook,
    return_playbook,
    save_playbook_draft,
    submit_playbook,
)
from apps.andon.commands.problems import give_problem, note_problem, set_problem_due

__all__ = [
    "accept",
    "acknowledge",
    "add_channel",
    "apply_cure",
    "call_for_help",
    "cannot",
    "confirm_channel",
    "draft_playbook",
    "draft_rule_from",
    "draft_step_from",
    "drop_push_subscription",
    "follow_step",
    "give",
    "give_problem",
    "make_plant_key",
    "merge",
    "move_channel",
    "note_problem",
    "on_the_way",
    "pause_clock",
    "progress",
    "publish_playbook",
    "remark",
    "remove_channel",
    "reopen",
    "report_safety",
    "resolve",
    "resume_clock",
    "return_playbook",
    "ring_again",
    "save_playbook_draft",
    "save_push_subscription",
    "send_test",
    "set_problem_due",
    "snooze",
    "split",
    "submit_playbook",
]
