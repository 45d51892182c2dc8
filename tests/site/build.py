#!/usr/bin/env python3
"""Builds the documents as a site, in target/site, and follows every link in it.

    build.py MDBOOK

The pages are the documents of the repository, at their own paths, in the order of SUMMARY.md beside this file.
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
SOURCE, SITE = ROOT / "target/book", ROOT / "target/site"
BOOK = """[book]
title = "Tessera"
language = "en"
src = "src"

[output.html]
no-section-label = true
"""
# What pages refer to, beside other pages.
FILES = ["LICENSE", "envoy", "docs", "tests/oidc-provider/server.mjs", "tests/django-oauth-toolkit/server.py", "Cargo.toml"]


def gather():
    """The pages of the summary, and the files that they refer to."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    src = SOURCE / "src"
    src.mkdir(parents=True)
    (SOURCE / "book.toml").write_text(BOOK)
    summary = (ROOT / "tests/site/SUMMARY.md").read_text()
    (src / "SUMMARY.md").write_text(as_index(summary))
    pages = re.findall(r"\]\(([^)]+\.md)\)", summary)
    unlisted = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")} - set(pages)
    if unlisted:
        sys.exit(f"tests/site/SUMMARY.md does not list {', '.join(sorted(unlisted))}")
    for page in pages:
        target = src / page.replace("README.md", "index.md")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(as_index((ROOT / page).read_text()))
    for name in FILES:
        found = ROOT / name
        for path in [found] if found.is_file() else [path for path in found.rglob("*") if path.is_file()]:
            if path.suffix not in (".md", ".pyc"):
                target = src / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)


def as_index(text):
    """The text, with links to what a folder shows first by the name that it has in a site."""
    return re.sub(r"(\]\([^)]*)README\.md", r"\1index.md", text)


def list_folders():
    """A list of files for each folder that is shown and has no page of its own."""
    for folder in [path for path in (SITE / "envoy").rglob("*") if path.is_dir() and not (path / "index.html").exists()]:
        names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
        items = "".join(f'<li><a href="{name}">{name}</a></li>' for name in names)
        title = folder.relative_to(SITE)
        (folder / "index.html").write_text(f"<!doctype html><title>{title}</title><h1>{title}</h1><ul>{items}</ul>\n")


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.anchors, self.links = set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if attributes.get("id"):
            self.anchors.add(attributes["id"])
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])


def broken_links():
    """Every link of the site that leads to no file, or to no place in it."""
    pages = {path: Page(path) for path in SITE.rglob("*.html") if path.name not in ("print.html", "404.html", "toc.html")}
    followed, broken = 0, []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            followed += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            here = f"{path.relative_to(SITE)}: {link}"
            if not target.is_file():
                broken.append(f"{here} leads nowhere")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{here} has no such heading")
    print(f"{len(pages)} pages, {followed} links followed, {len(broken)} broken")
    return broken


def main():
    gather()
    shutil.rmtree(SITE, ignore_errors=True)
    subprocess.run([sys.argv[1], "build", str(SOURCE), "--dest-dir", str(SITE)], check=True)
    list_folders()
    broken = broken_links()
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
