"""Hidden tests: what a module under test is asked, and whether it answers rightly."""
