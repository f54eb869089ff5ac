"""Where images lie: a source lists entries, reads one, stamps one."""
