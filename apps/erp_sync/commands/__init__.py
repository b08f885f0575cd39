"""What can be decided about postings, and what the delivery writes down."""

from apps.erp_sync.commands.finishing import finish_overlooked_order
from apps.erp_sync.commands.links import connect_erp, disconnect_erp, set_policy
from apps.erp_sync.commands.people import name_employee
from apps.erp_sync.commands.postings import retry_posting, skip_posting
from apps.erp_sync.commands.settling import confirm_posting, park_posting, skip_obsolete

__all__ = [
    "confirm_posting",
    "connect_erp",
    "disconnect_erp",
    "finish_overlooked_order",
    "name_employee",
    "park_posting",
    "retry_posting",
    "set_policy",
    "skip_obsolete",
    "skip_posting",
]
