"""Open: what other systems and the public may read, and what systems may write: the API, feeds, a page to embed.

Every module with `routes` is served. Nothing here shows a phone number, or anything of who has no right to it.
"""
