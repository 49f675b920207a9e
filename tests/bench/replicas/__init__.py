"""What a replica takes off the primary."""
