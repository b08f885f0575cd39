"""The smallest thing that runs on a workflow; installed only in tests."""
