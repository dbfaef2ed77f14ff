"""How work reaches the workers: Redis lanes in rank order, and the Celery application that serves them.

A message is a knock on the door: it names a task and an attempt, and may be lost or doubled without harm, because the
ledger knows what is to be done. The lanes are ordinary Redis lists in kombu's message format, so that Flower,
`celery inspect` and redis-cli see what is there.
"""
