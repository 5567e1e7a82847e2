"""The migrations of the worker's tables, for Alembic; ``database.create_schema`` runs them."""
