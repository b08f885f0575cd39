"""Owns the processes of a local installation: the database, the web and the worker (`python -m mfgos.supervisor`)."""
