"""Alembic's environment: runs the revisions that are missing, on the connection that ``database.create_schema`` opened.

They are one transaction on either database, and two migrations at once wait for one another. There is no offline mode
and no ini file.
"""

from alembic import context

# Any number that no other program locks in this database.
_ADVISORY_LOCK = 11_42_04
_LOCK_WAIT_S = 60


def _run() -> None:
    connection = context.config.attributes["connection"]
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # Python's driver would commit before each CREATE, so its own transactions are turned off.
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        if is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # A revision of a large table may take long, but must not wait for ever for the locks of others.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_S}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        context.run_migrations()


_run()
