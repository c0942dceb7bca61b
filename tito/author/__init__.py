"""What an instructor does with sources and marks: build, release, hand out, grade, give back."""
