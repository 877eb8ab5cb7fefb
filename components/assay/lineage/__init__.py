"""What happened: the store of artifacts, executions and events, and its queries."""
