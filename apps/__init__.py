"""The plant, floor by floor; see docs/architecture.md."""
