"""What an attacker would do, done to the whole house; each threat and its test stand in docs/threats.md."""
