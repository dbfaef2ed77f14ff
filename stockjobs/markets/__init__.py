"""When the markets of the world trade: sessions by exchange, read from exchange_calendars.

Only `calendars` imports exchange_calendars, which costs a second or two; `sessions` loads it when sessions have to be read.
"""
