"""What is asked of a provider: which requests, for what is missing, at which price, within which budget."""
