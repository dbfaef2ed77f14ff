"""Market data: bars, instruments, sessions, validation, restatement, coverage."""
