"""Alembic's entry: run the migrations over the connection the caller brought."""

from alembic import context

from bot.storage.migrations.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
