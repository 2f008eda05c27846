"""The long runs behind the book's tables: one file, one command, one result each."""
