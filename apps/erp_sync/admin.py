"""The pages of the engineers; each part of the app has its own."""

from apps.erp_sync.api import admin as api

__all__ = ["api"]
