"""Where data comes from. Each provider turns a request into columns of bars, or into a typed error."""
