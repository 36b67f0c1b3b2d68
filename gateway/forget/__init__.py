"""Let go of what need not be kept any longer. Read `person` (who somebody is here), `erase`, `purge`, then `told` (what is
kept of somebody, for herself) and `breach` (whose data somebody saw).

It never changes a figure, and it never sends anything.
"""
