"""Run by alembic, inside the transaction of the connection that `Database.migrate` passes."""

from alembic import context

from backend.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can't alter much in place; alembic then copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
