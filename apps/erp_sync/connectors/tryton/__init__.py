"""Tryton 8.0 over its JSON-RPC. Tryton is GPL: it is a separate process, nothing of it is imported."""
