"""Ask for what is missing. `by_hand` reminds one facility because staff said so; it never writes to who said STOP."""
