"""Know who reports: areas, facilities and reporters, from registry files and from registrations by SMS.

Read `areas` first; the files beside it name their source and licence. A register file goes through `reading_files`
(`unpack` in a process of its own), `columns`, `checking`, `plan` and `apply`, and out by `writing_files`. It must never
answer anybody: that is `reply`'s.
"""
