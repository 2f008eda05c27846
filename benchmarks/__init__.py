"""How fast it is: each benchmark is one command that prints a table."""
