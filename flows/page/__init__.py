"""The report that leadership reads: one HTML page, made from released tables alone."""
