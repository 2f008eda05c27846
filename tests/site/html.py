"""Reading built pages without a browser, as `make linkcheck` does."""

from tools.links.pages import CSS_URL, ELSEWHERE, anchors, loaded, read

__all__ = ["CSS_URL", "ELSEWHERE", "anchors", "loaded", "read"]
