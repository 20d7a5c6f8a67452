"""The catalogue of facts, the outbox that tells them in commit order, and their readers."""
