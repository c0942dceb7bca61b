"""What is run to see whether a sandbox works here."""

print("a sandbox works")
