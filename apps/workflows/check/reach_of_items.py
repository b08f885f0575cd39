"""New items that the workflow is for: places and things that there are."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import WORKFLOW, Fault, Problem
from apps.workflows.check.subject import Subject


def reach_of_items(subject: Subject) -> Iterator[Problem]:
    for where in subject.definition.applies_to:
        yield from _places(where.site, where.line, subject)
    for name, known in subject.kind.known.items():
        asked = sorted({getattr(where, name) for where in subject.definition.applies_to} - {""})
        for code in sorted(set(asked) - known(asked)) if asked else ():
            sentence = _("it is for %(name)s “%(code)s”, which is not known here yet.") % {"name": name, "code": code}
            yield WORKFLOW.warning(Fault.UNKNOWN_VALUE, sentence, "applies_to")


def _places(site: str, line: str, subject: Subject) -> Iterator[Problem]:
    sites = subject.words.sites
    if sites is None:
        return
    if site and site not in sites:
        sentence = _("it is for site %(code)s, and there is none.") % {"code": site}
        yield WORKFLOW.error(Fault.UNKNOWN_SITE, sentence, "applies_to")
        return
    lines = sites[site] if site else frozenset[str]().union(*sites.values())
    if line and line not in lines:
        sentence = _("it is for line %(code)s, and there is none.") % {"code": line}
        yield WORKFLOW.error(Fault.UNKNOWN_LINE, sentence, "applies_to")
