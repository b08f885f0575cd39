"""Import in two steps: what would happen, then the confirmation. What was read travels with the page, signed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.plant.administration import actor_of, by
from apps.workflows.actions import EDIT
from apps.workflows.models import Version
from apps.workflows.packages.commands import Imported, import_package
from apps.workflows.packages.file import read
from apps.workflows.packages.library import books
from apps.workflows.packages.preview import preview
from apps.workflows.strict_json import MAX_BYTES

_SALT = "workflows.package"


def import_page(request: HttpRequest) -> HttpResponse:
    _insist(request)
    if request.method != "POST":
        return _page(request, "workflows/packages/import.html", {})
    try:
        if "confirmed" in request.POST:
            return _confirmed(request)
        return _preview(request, _sent(request))
    except CommandRefused as refusal:
        messages.error(request, str(refusal))
        return _page(request, "workflows/packages/import.html", {})


def library_page(request: HttpRequest) -> HttpResponse:
    """Choosing one leads to the same preview as a file."""
    _insist(request)
    found = books()
    chosen = found.get(request.POST.get("book", "")) if request.method == "POST" else None
    if chosen:
        return _preview(request, chosen.text)
    return _page(request, "workflows/packages/library.html", {"books": found.values(), "title": _("Library")})


def _insist(request: HttpRequest) -> None:
    if not rights.may(actor_of(request), EDIT, EVERYWHERE):
        raise PermissionDenied


def _sent(request: HttpRequest) -> bytes:
    """One byte more than allowed is enough to refuse it; the name of the file says nothing."""
    file = request.FILES.get("file")
    if file is None:
        raise CommandRefused("no_file", _("Choose the file of a package."))
    content: bytes = file.read(MAX_BYTES + 1)
    return content


def _preview(request: HttpRequest, content: bytes | str) -> HttpResponse:
    package = read(content)
    text = content.decode() if isinstance(content, bytes) else content
    context = {
        "preview": preview(package, actor_of(request)),
        "carried": signing.dumps(text, salt=_SALT, compress=True),
        "title": package.title,
    }
    return _page(request, "workflows/packages/preview.html", context)


def _confirmed(request: HttpRequest) -> HttpResponse:
    try:
        text = signing.loads(request.POST["confirmed"], salt=_SALT)
    except signing.BadSignature:
        raise CommandRefused("not_ours", _("Send the file again: this page was not made here.")) from None
    imported = import_package(
        *by(request), text=text, take=request.POST.getlist("take"), create=request.POST.getlist("create")
    )
    _say(request, imported)
    return HttpResponseRedirect("../")


def _say(request: HttpRequest, imported: Imported) -> None:
    if imported.drafts or imported.created:
        done = ", ".join([*imported.drafts, *imported.created])
        messages.success(request, _("Imported: %(things)s. Look at the drafts, then submit them.") % {"things": done})
    else:
        messages.info(request, _("Nothing was changed: all of it is here already, or was not ticked."))


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    shared = {**admin.site.each_context(request), "opts": Version._meta, "title": _("Import a package"), **context}
    return TemplateResponse(request, template, shared)
