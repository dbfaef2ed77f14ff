"""The pure rules: what a job, a schedule, a task and a bar are, and what follows from them.

Nothing here does IO, reads a clock, knows SQL or Celery. Times are aware and UTC; `now` is always an argument.
"""
