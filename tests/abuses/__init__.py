"""Submissions that attack the machine that grades them."""
