"""Measurements, each a command; never part of the tests.

`journey` holds the main job against its floor and against the plain design. Read it first, then `measure` (what is
timed) and `stage` (the real processes), `messages` (who sends what), and the two it is held against: `floor` and
`plain`. `load` is the provider that sends.
"""
