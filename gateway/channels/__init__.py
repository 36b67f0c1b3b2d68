"""The providers' side of the house: one file per provider, each turning its requests and answers into our values.

Read base.py first (what a channel is, and how one is made), then simulator.py (the smallest one), then twilio.py and
generic.py; gammu.py is one that calls nobody and is polled (gammu_tables.py, gammu_health.py). options.py reads what an
operator set, bodies.py what a peer posted; http.py alone calls out.

An adapter never touches the database, the queue or the clock, never decides what is answered, and raises only the
errors of gateway/errors.py. Adding one is adding a file here and its cases in tests/gateway/channels/cases/<name>/.
"""
