"""The derivative rules against references that are not ours: central differences and PyTorch."""
