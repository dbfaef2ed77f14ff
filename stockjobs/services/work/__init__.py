"""From a definition to tasks that are done: administration, the tick of beat, requests, steering, reports."""
