from apps.erp_sync.models.outbox import ErpLink, OutboxThread, Posting, PostingKind, PostingState

__all__ = ["ErpLink", "OutboxThread", "Posting", "PostingKind", "PostingState"]
