"""Brings a former application's tables over, once: the parts of scripts/legacy_import.py."""
