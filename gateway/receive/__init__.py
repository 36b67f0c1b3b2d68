"""Step 1, in: verify, read, keep, commit, ring, acknowledge. Nothing else happens while a provider waits.

`keep` is the whole step as values and a session; `webhook` is its door for SMS providers. Never parse a message here,
never call a provider, and never answer a success before the commit.
"""
