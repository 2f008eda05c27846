"""Check the links of the built site: `python -m tools.links [--external]`.

Links that stay inside must lead to a file and an anchor. Those that leave the site are written to
`_build/external-links.txt`, each with the pages that it stands on, and are tried over the network
with `--external` only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.config import ROOT, Book, load_book
from tools.errors import BookError
from tools.files import write_atomically
from tools.links.external import check_external
from tools.links.internal import Link, all_links, broken, is_external


def external_links(book: Book, links: list[Link]) -> dict[str, list[str]]:
    """Address -> the pages that it stands on, both in order."""
    found: dict[str, set[str]] = {}
    for link in links:
        if is_external(book, link.address):
            found.setdefault(link.address, set()).add(link.page)
    return {address: sorted(found[address]) for address in sorted(found)}


def listing(outside: dict[str, list[str]]) -> str:
    return "".join(
        f"{address}\n" + "".join(f"    {page}\n" for page in pages)
        for address, pages in outside.items()
    )


def report_external(outside: dict[str, list[str]]) -> bool:
    """Try the addresses, print what is wrong; whether one is broken."""
    answers = check_external(outside)
    by_address = {answer.address: answer for answer in answers}
    for state in ("could not be checked", "broken"):
        for answer in [a for a in by_address.values() if a.state == state]:
            print(f"{state}: {answer.address} ({answer.reason})")
            pages = {page for address, where in outside.items()
                     if address.partition("#")[0] == answer.address for page in where}  # fmt: skip
            print("".join(f"    {page}\n" for page in sorted(pages)), end="")
    counts = {state: sum(a.state == state for a in answers)
              for state in ("ok", "broken", "could not be checked")}  # fmt: skip
    print("external: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    return counts["broken"] > 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.links", description=__doc__)
    parser.add_argument("--external", action="store_true", help="try the links that leave the site")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--site", type=Path, help="a built site (default: _build/html)")
    options = parser.parse_args()
    try:
        book = load_book(options.root)
        site = (options.site or book.html).resolve()
        if options.site is None and not (site / "index.html").is_file():
            from tools.book import build  # only here: it brings Jupyter with it

            build(book, quiet=True)
        links = all_links(book, site)
        wrong = broken(book, site, links)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    outside = external_links(book, links)
    path = book.build / "external-links.txt"
    write_atomically(path, listing(outside))
    for found in wrong:
        print(found)
    inside = sum(not is_external(book, link.address) for link in links)
    pages = len({link.page for link in links})
    print(f"{inside} links inside, on {pages} pages and files: {len(wrong)} broken")
    print(f"{len(outside)} addresses outside: {path}")
    failed = report_external(outside) if options.external else False
    return 1 if wrong or failed else 0


if __name__ == "__main__":
    sys.exit(main())
