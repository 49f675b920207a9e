"""What many people and programs notice of each other."""
