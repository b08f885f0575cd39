"""Nobody is paged for nothing: what somebody has answered by now is not told any more."""

from __future__ import annotations

from apps.andon.models import (
    NOT_DONE,
    Condition,
    ExceptionStatus,
    FloorException,
    Notification,
    Occasion,
    PolicyStep,
    TimerKind,
)


def is_overtaken(notification: Notification) -> bool:
    """By the exception as it was just read. Systems of the plant hear of everything while they are in use."""
    if notification.webhook is not None:
        return not notification.webhook.active
    exception = notification.exception
    if exception is None:
        return notification.channel_id is None
    return _is_overtaken(notification, exception)


def _is_overtaken(notification: Notification, exception: FloorException) -> bool:
    is_owner = exception.owner_id == notification.person_id
    is_open = exception.status == ExceptionStatus.OPEN and exception.parent_id is None
    match notification.occasion:
        case Occasion.RAISED | Occasion.GIVEN:
            return not (is_open and is_owner)
        case Occasion.STEP:
            return not is_open and not (exception.is_answered and _goes_on(notification, exception))
        case Occasion.WARNING if notification.timer and notification.timer.kind == TimerKind.RESPONSE:
            return not (is_open and is_owner)
        case Occasion.WARNING | Occasion.HANDOVER:
            return not is_owner or exception.status not in NOT_DONE
        case Occasion.REMINDER:
            return not is_owner or not exception.is_answered
        case _:
            return exception.closed_at is not None


def _goes_on(notification: Notification, exception: FloorException) -> bool:
    """Whether its step is for those who have answered as well: "until it is resolved"."""
    steps = PolicyStep.objects.filter(version=exception.policy_version_id).order_by("position")
    conditions = list(steps.values_list("condition", flat=True))
    index = notification.level - 1
    return 0 <= index < len(conditions) and conditions[index] == Condition.UNRESOLVED
