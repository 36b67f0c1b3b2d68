"""Hand on: what is settled goes to other systems as files and pushes, each saying in itself what it holds.

Read `base` (what a format is), `gather` (what an export is made of), `run` (a queued export, made once), then the
formats: one file each. `dhis2/` pushes to a DHIS2, `webhooks/` tells others what has happened. Nothing here changes a
report.
"""
