"""The whole book as one PDF, printed by Chromium from the built site (`make pdf`).

`dress` makes one page's article ready for paper, `merge` joins the articles into one HTML file in
which every link is internal, `front` adds title page and contents, `press` prints it.
"""
