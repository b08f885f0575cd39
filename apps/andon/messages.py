"""What somebody is told, in their language and the time zone of the site."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later

from apps.andon.channels.interface import Message
from apps.andon.models import ExceptionStatus, FloorException, Notification, Occasion, Severity
from apps.core import clock

PAGE, CHANNELS_PAGE = "/phone/{id}/", "/phone/channels/"
CODE_DIGITS = 6
# Instead of the severity of an exception.
NEWS = "news"


def message_of(notification: Notification) -> Message:
    """With its site, person and exception at hand: `delivery.READS`."""
    person = notification.person
    language = person.language if person else settings.LANGUAGE_CODE
    if notification.news is not None:
        return Message(key=notification.key, severity=NEWS, **notification.news)
    with translation.override(language), timezone.override(notification.site.zone):
        if notification.exception is None:
            return _test(notification)
        return _telling(notification, notification.exception)


def code_of(notification: Notification) -> str:
    """What stands in a test message and nowhere else: worked out, so that no copy of the database tells it."""
    digest = salted_hmac("apps.andon.test_message", str(notification.pk), algorithm="sha256").hexdigest()
    return str(int(digest, 16) % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def _test(notification: Notification) -> Message:
    names = {"code": code_of(notification)}
    return Message(
        key=notification.key,
        title=_("mfgos test: %(code)s") % names,
        body=_("This is how you are told of exceptions. Type %(code)s on the page of your channels.") % names,
        url=f"{settings.BASE_URL}{CHANNELS_PAGE}",
        severity="test",
        tag="test",
    )


def _telling(notification: Notification, exception: FloorException) -> Message:
    return Message(
        key=notification.key,
        title=exception.headline,
        body="\n".join(_lines(notification, exception)),
        url=f"{settings.BASE_URL}{PAGE.format(id=exception.pk)}",
        severity=Severity(exception.severity).name.lower(),
        tag=f"exception:{exception.pk}",
        data=_facts(notification, exception),
    )


def _lines(notification: Notification, exception: FloorException) -> list[str]:
    lines = [_why(notification, exception)]
    if exception.sentence != exception.headline:
        lines.insert(0, exception.sentence)
    lines.append(
        _("Since %(since)s. Owner: %(owner)s.") % {"since": _time(exception.raised_at), "owner": exception.owner}
    )
    if exception.deadline_at:
        lines.append(_("To be done by %(time)s.") % {"time": _time(exception.deadline_at)})
    if notification.level:
        lines.append(_("Level %(level)s.") % {"level": notification.level})
    return lines


def _why(notification: Notification, exception: FloorException) -> str:
    if notification.occasion == Occasion.STEP and exception.status != ExceptionStatus.OPEN:
        return _("It is not resolved yet.")
    return str(_WHY[Occasion(notification.occasion)])


def _facts(notification: Notification, exception: FloorException) -> dict[str, str | int]:
    """For machines: codes and ids, no names of people."""
    return {
        "exception": exception.pk,
        "event": notification.occasion,
        "at": notification.created_at.isoformat(),
        "type": exception.type.code,
        "status": exception.status,
        "impact": exception.impact,
        "level": notification.level,
        "site": notification.site.code,
        "line": exception.work_center.code if exception.work_center else "",
        "station": exception.work_unit.code if exception.work_unit else "",
        "order": exception.erp_reference,
        "cause": exception.cause_kind,
    }


def _time(moment: datetime) -> str:
    """The day only where it is not today: at night everybody looks at the minutes."""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localtime(clock.now()).date()
    return date_format(local, "TIME_FORMAT" if is_today else "SHORT_DATETIME_FORMAT")


_WHY = {
    Occasion.RAISED: _later("It is yours."),
    Occasion.STEP: _later("Nobody has answered."),
    Occasion.WARNING: _later("The time runs out."),
    Occasion.REMINDER: _later("How is it going? Without an answer it is open again."),
    Occasion.HANDOVER: _later("It was handed over to you. Accept it."),
    Occasion.INFORMED: _later("You should know."),
    Occasion.GIVEN: _later("It was given to you."),
    Occasion.RESOLVED: _later("It is resolved."),
    Occasion.TEST: _later("A test."),
}
