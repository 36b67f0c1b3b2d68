"""What commonly goes wrong in an office, each fault with its remedy: read `check`, then any other.

Each module looks at one side: `machine` at this computer, `servers` at Redis and the web, `work` at the processes and
what waits, `office` at what staff have yet to enter. `gateway.checkup` asks them in order. None of them mends anything.
"""
