"""What the command line answers from published results and from the rules: one command, one module."""
