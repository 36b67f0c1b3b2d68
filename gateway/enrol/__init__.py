"""Know who reports: areas, facilities and reporters, from registry files and from registrations by SMS.

Read `areas` first; the files beside it name their source and licence. It must never answer anybody: that is `reply`'s.
"""
