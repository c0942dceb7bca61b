"""Grading: observations of untrusted modules, compared in a trusted process."""
