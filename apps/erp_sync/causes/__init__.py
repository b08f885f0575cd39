"""What the way to and from the ERP raises exceptions about."""

from apps.erp_sync.causes.lateness import LATE
from apps.erp_sync.causes.postings import PARKED, POSTING
from apps.erp_sync.causes.reconciliation import BREAK
from apps.erp_sync.causes.silence import SILENT

__all__ = ["BREAK", "LATE", "PARKED", "POSTING", "SILENT"]
