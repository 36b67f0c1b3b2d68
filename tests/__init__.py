"""The tests, laid out like the packages; house/ guards the architecture, servers.py starts real servers.

`./kabar test` runs what run.py lists. Never: sleeping, skipping, asserting the clock.
"""
