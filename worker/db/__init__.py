"""The database: connections, the embedded server, the schema and its migrations."""
