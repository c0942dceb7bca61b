"""Where boxes and edges of a layered graph stand. Knows nothing of variables."""
