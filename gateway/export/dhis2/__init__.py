"""Push a month to a DHIS2, so that what is there is what we have, and nothing is lost or sent twice without need.

Read `reasons` (why something is not taken), `payload` (a report as what goes over the wire), `results` (what an answer
of any DHIS2 means), `reconcile` (ours beside theirs), `client` (the calls), `plan` (what a push would send), then
`push`, which does one facility's month in steps that are each kept before the next, with `turns` and `completeness`.
Nothing here judges an import by its HTTP status or by a sentence: those differ from version to version, and from
language to language.
"""
