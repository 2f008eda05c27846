"""How notebooks and site are made from `book/`: see `python -m tools.notebooks -h` and `tools.book`."""
