"""When the markets of the world trade: sessions by exchange, read from exchange_calendars.

Only this package imports exchange_calendars, which costs about two seconds; import it where sessions are computed.
"""
