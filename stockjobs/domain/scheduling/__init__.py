"""When work is due: rules, calendars and the clocks of zones."""
