"""Settings, Health: the replicas that reads go to."""
