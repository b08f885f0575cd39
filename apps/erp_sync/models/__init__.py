from apps.erp_sync.models.api import ApiCall, ApiToken, RefusedMessage
from apps.erp_sync.models.comparisons import Comparison, Difference, Figure
from apps.erp_sync.models.intake import ErpEmployee, Reading, Unread
from apps.erp_sync.models.outbox import BESIDE, ErpLink, OutboxThread, Posting, PostingKind, PostingState
from apps.erp_sync.models.silences import Silence

__all__ = [
    "BESIDE",
    "ApiCall",
    "ApiToken",
    "Comparison",
    "Difference",
    "ErpEmployee",
    "ErpLink",
    "Figure",
    "OutboxThread",
    "Posting",
    "PostingKind",
    "PostingState",
    "Reading",
    "RefusedMessage",
    "Silence",
    "Unread",
]
