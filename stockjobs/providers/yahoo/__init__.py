"""Yahoo Finance through yfinance's session: two engines for bars, and the statements of companies."""
