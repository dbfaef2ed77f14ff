"""Celery beat: any number of them, each doing the same ticks."""
