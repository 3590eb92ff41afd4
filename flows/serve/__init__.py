"""What audits by itself: the embedded server, the service that fires, what Prefect's pages show of an audit."""
