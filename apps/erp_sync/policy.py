"""How a site's ERP wants to be told: what is posted, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from apps.erp_sync.models import ErpLink


class Policy(BaseModel):
    """Time is gathered by policy; quantities never are: each booking is a posting of its own.

    confirm          "confirmation": time with each booking; "operation": at completion, and with a booking when
                     `every_minutes` (above 0) have passed since the last
    backflushed      the ERP itself consumes the planned components when the order starts: of an issue only what goes
                     beyond is posted, and what was not used goes back before the finish
    read_seconds     how often changes are read
    silent_minutes   somebody is called when the ERP could not be read for so long
    late_minutes     the same when a posting has waited for so long although it can
    compare_days     a finished order's figures are laid beside the ERP's at once, and daily for so long
    adopt            a row of ours by the name of one of the ERP's becomes the ERP's
    scrap_locations  reason code -> key in the ERP of the place where scrap goes; "" for all other reasons
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    confirm: Literal["confirmation", "operation"] = "confirmation"
    every_minutes: int = Field(default=0, ge=0)
    backflushed: bool = True
    read_seconds: int = Field(default=10, ge=1)
    silent_minutes: int = Field(default=5, ge=1)
    late_minutes: int = Field(default=30, ge=1)
    compare_days: int = Field(default=7, ge=0)
    adopt: bool = False
    scrap_locations: dict[str, str] = {}

    @property
    def longest_silence(self) -> timedelta:
        """Never shorter than a few readings take."""
        return max(timedelta(minutes=self.silent_minutes), 3 * timedelta(seconds=self.read_seconds))

    def scrap_location(self, reason: str) -> str:
        return self.scrap_locations.get(reason) or self.scrap_locations.get("", "")


def policy_of(link: ErpLink) -> Policy:
    return Policy.model_validate(link.policy)
