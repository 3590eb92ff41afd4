"""From a folder of extracts to raw rows: found, checked for identifiers, read."""
