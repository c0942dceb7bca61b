"""Submissions that try to get marks without solving anything."""
