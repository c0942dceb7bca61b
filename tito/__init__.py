"""The command line of TinyTorch, and the machinery behind it."""
