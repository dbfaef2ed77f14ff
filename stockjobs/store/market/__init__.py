"""Market data in SQL: instruments, bars with their versions, findings, sessions, gaps."""
