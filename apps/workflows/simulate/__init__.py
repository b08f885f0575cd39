"""What a draft would have done to work that is past: the ledger's own events, judged again, and nothing touched.

past.py reads the events, people.py and facts.py what was known then, judging.py answers for one event, replay.py goes
through all of them, result.py is what comes out; runs.py keeps it, pages.py shows it.
"""
