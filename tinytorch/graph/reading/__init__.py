"""What was computed from what: the nodes of a graph, their names, and words for them."""
