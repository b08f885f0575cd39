from apps.andon.models.cures import AppliedCure
from apps.andon.models.exceptions import (
    ANSWERED,
    LIGHTS_TOPIC,
    NOT_DONE,
    Clock,
    ClockInterval,
    ExceptionStatus,
    FloorException,
    OwnerLevel,
)
from apps.andon.models.outward import PushKey, SiteWebhook
from apps.andon.models.playbooks import AloneOutcome, AloneRun, Playbook, PlaybookStep, PlaybookVersion
from apps.andon.models.policies import (
    Condition,
    EscalationPolicy,
    PolicyStep,
    PolicyVersion,
    Target,
)
from apps.andon.models.problems import Problem
from apps.andon.models.screens import ScreenMessage
from apps.andon.models.telling import (
    DeliveryAttempt,
    Informed,
    NoticeState,
    Notification,
    Occasion,
    PersonChannel,
    Remark,
)
from apps.andon.models.timers import Outcome, Timer, TimerKind
from apps.andon.models.types import Category, ExceptionType, Impact, OwnerRule, Severity, SiteRules
from apps.andon.models.watch import WatchRound

__all__ = [
    "ANSWERED",
    "LIGHTS_TOPIC",
    "NOT_DONE",
    "AloneOutcome",
    "AloneRun",
    "AppliedCure",
    "Category",
    "Clock",
    "ClockInterval",
    "Condition",
    "DeliveryAttempt",
    "EscalationPolicy",
    "ExceptionStatus",
    "ExceptionType",
    "FloorException",
    "Impact",
    "Informed",
    "NoticeState",
    "Notification",
    "Occasion",
    "Outcome",
    "OwnerLevel",
    "OwnerRule",
    "PersonChannel",
    "Playbook",
    "PlaybookStep",
    "PlaybookVersion",
    "PolicyStep",
    "PolicyVersion",
    "Problem",
    "PushKey",
    "Remark",
    "ScreenMessage",
    "Severity",
    "SiteRules",
    "SiteWebhook",
    "Target",
    "Timer",
    "TimerKind",
    "WatchRound",
]
