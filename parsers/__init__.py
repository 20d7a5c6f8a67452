"""Text in, plans out. Pure: no I/O, no database, no discord, no clock."""
