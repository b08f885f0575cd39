from apps.andon.admin import exceptions, policies, setup

__all__ = ["exceptions", "policies", "setup"]
