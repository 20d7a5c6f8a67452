"""One module for each format. A module here defines `FORMAT`, a `parsers.registry.Format`, and is found by being
here."""
