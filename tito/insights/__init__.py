"""What a class did not understand: a page for the instructor, and evidence of shared work."""
