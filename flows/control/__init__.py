"""Control charts: which there are, their limits and signals, and what each could have shown."""
