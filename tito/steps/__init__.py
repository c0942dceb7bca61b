"""What TinyTorch adds to nbgrader, a preprocessor a file; nbgrader_config.py orders them."""
