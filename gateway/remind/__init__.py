"""Ask for what is missing: who owes something, once a rung, when people are awake. Read `due` and `plan` (pure) first.

`ground` and `gather` ask what is known, `lists` what staff are told; `run` plans a regency's round, `queue` claims and
queues it, `write` and `letters` are its words, `last_look` keeps back what is idle by the time it goes. `by_hand`
reminds one facility because staff said so. It never writes to who said STOP, and sends nothing itself.
"""
