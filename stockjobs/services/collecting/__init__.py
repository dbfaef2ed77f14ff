"""One attempt of a task, from the knock on the door to the landed data."""
