"""New items that another workflow is for as well, or that none would be for any more."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import WORKFLOW, Fault, Problem
from apps.workflows.check.subject import Subject
from apps.workflows.definition import WhereSpec

# As closely as they name an item.
_NAMED = {
    "customer": lambda: _("customer"),
    "item": lambda: _("item"),
    "line": lambda: _("line"),
    "site": lambda: _("site"),
}


def claims(subject: Subject) -> Iterator[Problem]:
    others, wheres = subject.words.others, subject.definition.applies_to
    if others is None:
        return
    for where in dict.fromkeys(wheres or [WhereSpec()]):
        if where in others.theirs:
            yield WORKFLOW.error(Fault.CLAIMED, _said(where, others.theirs[where]), "applies_to")
    if wheres and others.is_default and not others.has_default:
        sentence = _("New items that it does not name would find no workflow: keep one for all others.")
        yield WORKFLOW.error(Fault.CLAIMED, sentence, "applies_to")


def _said(where: WhereSpec, other: str) -> str:
    given = {name: value for name in _NAMED if (value := getattr(where, name))}
    if not given:
        return _("“%(other)s” is for all new items that no other workflow names. Say which ones this is for.") % {
            "other": other
        }
    named = ", ".join(f"{_NAMED[name]()} {value}" for name, value in given.items())
    return _("“%(other)s” is for the same new items: %(what)s.") % {"other": other, "what": named}
