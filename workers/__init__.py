"""The RQ jobs, thin: each is rung for a lane or a channel, asks the database what there is to do, and does it.

`inbound` handles received messages and looks at the channels that call nobody (`poll`), `outbound` sends, `errands`
does by name what nobody waits for (`totals`, `broadcasts`, `hooks`, `reminders`), `sweep` rings for what was not rung
for, `clock` sweeps every second. A job carries nothing that matters: whatever Redis loses or repeats, the figures and
the answers stay the same.
"""
