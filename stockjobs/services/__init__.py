"""The use cases: each puts the pure rules and the adapters in order, one transaction a step."""
