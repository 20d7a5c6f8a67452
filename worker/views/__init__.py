"""What people look at on a terminal: reading it from the database and drawing it are kept apart."""
