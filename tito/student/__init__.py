"""A student's desk: where they work, what their checks say, and what they hand in."""
