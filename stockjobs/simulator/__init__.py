"""A local server that speaks Yahoo's protocol: deterministic market data, and faults on demand.

Nothing here is imported by the rest of stockjobs except by the command that starts it; see `docs/simulator.md`.
"""
