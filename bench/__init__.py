"""Measurements, each a command; never part of the tests.

`journey` holds the main job against its floor and against the plain design. Read it first, then `measure` (what is
timed) and `stage` (the real processes), `messages` (who sends what), and the two it is held against: `floor` and
`plain`. `load` is the provider that sends. `klikkb` is a whole country's evening on the same stage: `evening` says who
sends what, `contenders` lets each take its turn, `provider` takes the answers, `books` checks them, `processes` counts.
"""
