"""What stays and what goes, and the plan put into effect."""
