"""What a plant has taken from elsewhere, so that it can be told from what it has made of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PackageOrigin(models.Model):
    """The last import of one governed thing.

    checksum          of what the package held       in_force_checksum  of what the plant ran by then; "": nothing
    package_checksum  of the whole package           draft_id           of the version that it became
    """

    kind = models.CharField(_("kind"), max_length=40)
    code = models.CharField(_("code"), max_length=40)
    checksum = models.CharField(max_length=64)
    in_force_checksum = models.CharField(max_length=64, blank=True)
    package_checksum = models.CharField(max_length=64)
    title = models.CharField(_("package"), max_length=120)
    draft_id = models.BigIntegerField()
    imported_at = models.DateTimeField(_("imported"))
    imported_by_id = models.BigIntegerField(_("imported by"), null=True)

    class Meta:
        verbose_name = _("origin in a package")
        verbose_name_plural = _("origins in packages")
        constraints = [models.UniqueConstraint(fields=["kind", "code"], name="workflows_one_origin")]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}: {self.title}"
