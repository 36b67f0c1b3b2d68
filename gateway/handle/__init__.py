"""Step 2, understand: one received message becomes a report, a question, or a matter for staff, and gets one answer.

`batch` takes the messages of a lane through the step, in groups that have nothing in common; `message` is the step.
`facts` gathers what a batch needs to know in a few questions, `ledger` reads of reports and writes what a group needs;
`report` takes reports and asks about them, `accept` decides which revision counts, `command` obeys STATUS and its like.
Nothing here talks to a provider, reads a clock, or commits.
"""
