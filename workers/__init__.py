"""The Celery workers: what they do with a message, and what happens when their processes start and stop."""
