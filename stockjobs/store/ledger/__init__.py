"""The ledger: jobs, occurrences, tasks, attempts, events, workers."""
