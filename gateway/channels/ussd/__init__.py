"""USSD gateways: one file per dialect, each turning a gateway's requests into hops and our screens into its answers.

Read base.py first. A dialect knows nothing of menus, reports or the database: which screen comes next is
`parsers.dialogue`'s, and `receive.hops` keeps every answer. Adding one is adding a file here and its cases in
tests/gateway/channels/ussd/cases/<name>/.
"""
