"""What a draft of a rule would have done about events that are past, beside the version in force; nothing is touched.

facts.py says what was known of an event then, counting.py counts and rests as rules do, in memory; judging.py answers
for one version and one event after the other, replay.py lays two of them over the past, result.py is what comes out.
"""
