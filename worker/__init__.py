"""The process: Discord in, rows and events out."""
