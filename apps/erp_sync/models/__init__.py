from apps.erp_sync.models.api import ApiCall, ApiToken, RefusedMessage

__all__ = ["ApiCall", "ApiToken", "RefusedMessage"]
