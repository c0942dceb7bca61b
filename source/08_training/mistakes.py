"""Mistakes that students make in module 8, right solutions of other kinds, and changes that are none."""

from tito.audit.catalogue import Alternative, Equivalent, Mistake

MISTAKES: list[Mistake] = []
ALTERNATIVES: list[Alternative] = []
EQUIVALENT: list[Equivalent] = []
