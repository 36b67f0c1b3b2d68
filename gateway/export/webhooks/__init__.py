"""Tell others what has happened: every event to every hook that asked, in order, at least once, signed.

Read `words` (what is said of an event), `tell` (events are put into words and queued), `sign` (Standard Webhooks), then
`deliver` (one try, and what follows from its answer). Nobody is told a phone number or who sent a report.
"""
