"""What the program tells of itself: log lines. No other package writes any."""
