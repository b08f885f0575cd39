"""What workflows and rules in a package name of this app."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils.translation import gettext_lazy as _

from apps.andon.models import ExceptionType
from apps.workflows.packages.exportables import Content, NeedKind, declare_need


def _types(codes: Collection[str]) -> Mapping[str, Content]:
    return {row.code: {"names": row.names} for row in ExceptionType.objects.filter(code__in=codes)}


EXCEPTION_TYPE = declare_need(NeedKind(code="exception_type", label=_("kind of exception"), found=_types))
