"""TinyTorch: a small deep-learning framework on numpy, built module by module."""

from tinytorch import memory as memory
