"""What is stored and what people do with it: reading, coverage, repair, quarantine, symbols, calendars."""
