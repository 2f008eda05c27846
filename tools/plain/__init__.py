"""MyST Markdown turned into CommonMark with `$math$` that Jupyter, Colab and GitHub can show."""
