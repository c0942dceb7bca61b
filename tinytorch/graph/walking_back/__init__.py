"""The backward pass, walked once more to be looked at, and `explain`, which checks each step.

Why not by the engine itself? The engine may be a student's, half-finished or wrong: then it is the
thing to be found out about. And it would add to every ``grad``, free the graph and call hooks,
while whoever looks must change nothing. So each ``grad_fn`` is asked here, one after another, and
what comes back is kept aside.
"""
