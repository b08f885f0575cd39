"""Django's sessions in the database, found by a statement that each connection plans once: every page reads one."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.core.prepared import Given, Prepared

_SESSION = Prepared(lambda: Session.objects.filter(session_key=Given("key"), expire_date__gt=Given("now")))


class SessionStore(DatabaseSessions):
    def _get_session_from_db(self) -> Session | None:
        now = timezone.now()  # noqa: TID251 - the clock by which Django has written when it ends
        found = _SESSION.first(key=self.session_key, now=now) if self.session_key else None
        if found is None:
            self._session_key = None
        return found
