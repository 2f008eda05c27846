"""How notebooks and site are made from `book/`: see `python -m tools.book -h`."""
