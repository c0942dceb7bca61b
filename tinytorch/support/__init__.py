"""What the engine of module 7 leans on: speed, safety and convenience, each in a file of its own."""
