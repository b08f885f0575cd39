from apps.andon.admin import exceptions, policies, reaching, setup

__all__ = ["exceptions", "policies", "reaching", "setup"]
