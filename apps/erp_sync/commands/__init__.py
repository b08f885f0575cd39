"""What can be decided about postings, and what the delivery writes down."""

from apps.erp_sync.commands.comparisons import accept_difference, compare_again, note_comparison
from apps.erp_sync.commands.finishing import finish_overlooked_order
from apps.erp_sync.commands.links import connect_erp, disconnect_erp, set_policy
from apps.erp_sync.commands.people import name_employee
from apps.erp_sync.commands.postings import retry_posting, skip_posting
from apps.erp_sync.commands.settling import confirm_posting, park_posting, skip_obsolete
from apps.erp_sync.commands.watching import call_for_silence, end_silence, settle_lateness

__all__ = [
    "accept_difference",
    "call_for_silence",
    "compare_again",
    "confirm_posting",
    "connect_erp",
    "disconnect_erp",
    "end_silence",
    "finish_overlooked_order",
    "name_employee",
    "note_comparison",
    "park_posting",
    "retry_posting",
    "set_policy",
    "settle_lateness",
    "skip_obsolete",
    "skip_posting",
]
