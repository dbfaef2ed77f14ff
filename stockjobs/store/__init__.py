"""The ledger and the data in SQL. The only package that knows SQLAlchemy; the same calls serve SQLite and PostgreSQL."""
