"""What a program may ask, and who waits for whom."""
