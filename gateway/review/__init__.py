"""Decide: the pages on which people see what came in, and act on it.

Read `pages` first. It must never take or send a message by a way of its own: what the phone sends goes through
`receive`, as a provider's request does.
"""
