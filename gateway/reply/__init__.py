"""Step 3, answer: compose the one SMS that a message gets, and send it at most once.

`wording/` holds every sentence per language, `compose` fills them so that one SMS is always enough
(`gateway.segments` knows what fits in one), `send` hands messages to a channel. Never decide here what a report is
worth; never read what was written.
"""
