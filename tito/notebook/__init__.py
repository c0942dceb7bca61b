"""Sources, released notebooks, and what is exported from both."""
