"""What worker.db.migrate and Alembic's command line share: whose turn it is, how often to try, what to write down."""
