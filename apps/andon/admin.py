"""Found by Django through this file."""

from apps.andon import reaching_pages

__all__ = ["reaching_pages"]
