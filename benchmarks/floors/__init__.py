"""What the bot is measured against: the least that could answer, and the usual way to do the same."""
