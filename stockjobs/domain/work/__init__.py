"""What work is: jobs, templates, lanes, states, retries, and who waits for whom."""
