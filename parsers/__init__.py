"""What a person wrote, turned into values. Pure: no clock, no database, no network, no framework.

Read in this order: `reading` (the values that come out), `problems` (every way a message can be wrong), `form` and
`forms/` (what may be reported), then the four doors: `read` (text -> Reading), `judge` (report -> Verdict), `merge`
(an answer to an open question -> report) and `dialogue` (USSD).

Behind `read`, in the order a text passes through: `tidy` (text -> tokens), `numbers` (tokens -> counts), `words` (what
each form calls what), `marks` (tokens -> what each was taken for), `period`, `header`, `shape` (marks -> values),
`rules` (do the values agree with each other), and `commands`.

Behind `dialogue`: `session` (its values), `steps` (which screen is before and behind another), `faces` (what each
shows), `screens` and `wording/` (sentences, cut into pages), `typed` (what is typed, read alone), `taking` (what it
does to a session), and `writing` (a report as the message that says it).

Nothing here ever imports `gateway`, and no door ever raises on what a person wrote: what a sender did wrong is a
Problem, not an exception.
"""
