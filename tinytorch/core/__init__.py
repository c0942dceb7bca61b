"""The modules of the course, as their notebooks export them."""
