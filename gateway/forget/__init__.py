"""Let go of what need not be kept any longer. Read `erase`, `purge`, then `told` (what is kept
of somebody, for herself) and `breach` (whose data somebody saw or took). Who somebody is here says `store.erasures`.

It never changes a figure, and it never sends anything.
"""
