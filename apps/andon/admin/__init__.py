from apps.andon.admin import exceptions, playbooks, policies, problems, reaching, setup

__all__ = ["exceptions", "playbooks", "policies", "problems", "reaching", "setup"]
