"""PostgreSQL with the pgvector extension."""
