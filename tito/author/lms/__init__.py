"""What learning platforms give and take: rosters, downloads of hand-ins, and files of marks."""
