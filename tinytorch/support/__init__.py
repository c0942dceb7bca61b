"""What the engine of module 7 leans on: speed, safety and convenience, a file for each."""
