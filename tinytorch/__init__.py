"""TinyTorch: a small deep-learning framework on numpy, built module by module."""
