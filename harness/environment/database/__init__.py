"""The databases that a worker may write to: SQLite files or PostgreSQL, fresh for each trial, and their outages."""
