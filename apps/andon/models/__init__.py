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
from apps.andon.models.policies import (
    Condition,
    EscalationPolicy,
    PolicyStatus,
    PolicyStep,
    PolicyVersion,
    Target,
)
from apps.andon.models.problems import Problem
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
    "PolicyStatus",
    "PolicyStep",
    "PolicyVersion",
    "Problem",
    "PushKey",
    "Remark",
    "Severity",
    "SiteRules",
    "SiteWebhook",
    "Target",
    "Timer",
    "TimerKind",
    "WatchRound",
]
