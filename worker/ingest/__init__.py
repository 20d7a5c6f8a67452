"""Observations in, rows out: the only writer of messages, plans, setups and levels."""
