"""What a person wrote, turned into values. Pure: no clock, no database, no network, no framework.

Read in this order: `reading` (the values that come out), `problems` (every way a message can be wrong), `form` and `forms/`
(what may be reported), then the four doors: `read` (text -> Reading), `judge` (report -> Verdict), `merge` (an answer to an
open question -> report) and `dialogue` (USSD). Nothing here ever imports `gateway`, and no door ever raises on what a person
wrote: what a sender did wrong is a Problem, not an exception.
"""
