"""What TinyTorch adds to nbgrader, one preprocessor a file; nbgrader_config.py puts them in order."""
