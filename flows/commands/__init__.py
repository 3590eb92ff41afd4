"""The words of commands that have many: options, help, examples. Nothing that takes time to import."""
