"""The versions, in order. Each holds its own up and down."""
