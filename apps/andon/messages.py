"""What somebody is told, in their language and the time zone of the site."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later

from apps.andon.channels.interface import Message
from apps.andon.concerns import concerning
from apps.andon.models import ExceptionStatus, FloorException, Informed, Notification, Occasion, Severity
from apps.andon.times import at_site

PAGE, CHANNELS_PAGE = "/phone/{id}/", "/phone/channels/"
CODE_DIGITS = 6
# Instead of the severity of an exception.
NEWS = "news"
# Nothing is asked of who is told for these.
TO_KNOW = frozenset({Occasion.INFORMED, Occasion.REMARK})
# What fits on the screen of a phone that is locked; all of it stands on the page.
LONGEST_REMARK = 300


def message_of(notification: Notification, context: Sequence[str] = ()) -> Message:
    """With its site, person and exception at hand: `delivery.READS`.  `context`: see `context_of`."""
    person = notification.person
    language = person.language if person else settings.LANGUAGE_CODE
    if notification.news is not None:
        return Message(key=notification.key, severity=NEWS, **notification.news)
    with translation.override(language), timezone.override(notification.site.zone):
        if notification.exception is None:
            return _test(notification)
        return _telling(notification, notification.exception, context)


def context_of(notification: Notification) -> list[str]:
    """What it means to the person who must know of it, by their role, as it is now; in the active language."""
    exception = notification.exception
    if exception is None or notification.person_id is None or notification.occasion != Occasion.INFORMED:
        return []
    known = Informed.objects.filter(exception=exception, person=notification.person_id).first()
    if known is None:
        return []
    return concerning([(exception, known.role)]).get((exception.pk, known.role), [])


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


def _telling(notification: Notification, exception: FloorException, context: Sequence[str]) -> Message:
    return Message(
        key=notification.key,
        title=exception.headline,
        body="\n".join(_lines(notification, exception, context)),
        url=f"{settings.BASE_URL}{PAGE.format(id=exception.pk)}",
        severity=Severity(exception.severity).name.lower(),
        tag=f"exception:{exception.pk}",
        data=_facts(notification, exception),
    )


def _lines(notification: Notification, exception: FloorException, context: Sequence[str]) -> list[str]:
    zone = notification.site.zone
    lines = [*context, _why(notification, exception)]
    if exception.sentence != exception.headline:
        lines.insert(0, exception.sentence)
    since = at_site(exception.raised_at, zone)
    lines.append(_("Since %(since)s. Owner: %(owner)s.") % {"since": since, "owner": exception.owner})
    # Whoever only has to know is not asked to do anything by then.
    if exception.deadline_at and notification.occasion not in TO_KNOW:
        lines.append(_("To be done by %(time)s.") % {"time": at_site(exception.deadline_at, zone)})
    if notification.level:
        lines.append(_("Level %(level)s.") % {"level": notification.level})
    return lines


def _why(notification: Notification, exception: FloorException) -> str:
    if notification.occasion == Occasion.STEP and exception.status != ExceptionStatus.OPEN:
        return _("It is not resolved yet.")
    if notification.occasion == Occasion.REMARK:
        return _what_was_said(notification, exception)
    return str(_WHY[Occasion(notification.occasion)])


def _what_was_said(notification: Notification, exception: FloorException) -> str:
    """The last that somebody else has said: of several only the first is told at once."""
    said = exception.remarks.exclude(person=notification.person_id).select_related("person").order_by("-pk").first()
    if said is None:
        return str(_WHY[Occasion.REMARK])
    return _("%(name)s: “%(text)s”") % {"name": said.person or "mfgos", "text": said.text[:LONGEST_REMARK]}


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


_WHY = {
    Occasion.RAISED: _later("It is yours."),
    Occasion.STEP: _later("Nobody has answered."),
    Occasion.WARNING: _later("The time runs out."),
    Occasion.REMINDER: _later("How is it going? Without an answer it is open again."),
    Occasion.HANDOVER: _later("It was handed over to you. Accept it."),
    Occasion.INFORMED: _later("You should know."),
    Occasion.GIVEN: _later("It was given to you."),
    Occasion.RING: _later("Whoever has called rings again."),
    Occasion.REMARK: _later("Somebody has written something."),
    Occasion.RESOLVED: _later("It is resolved."),
    Occasion.TEST: _later("A test."),
}
