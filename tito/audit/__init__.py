"""The audit: do the checks of a course find what is wrong, and only that?"""
