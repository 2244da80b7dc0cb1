# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make docs`: the docs site in build/site/html, built without the network; a warning of Sphinx is an error.

Arguments: the folder with the programs antsibull-docs and sphinx-build, and the folder of the site. Its pages are those
of the checkout, in the same folders, so that links hold in both; README.md is the first of them. The pages of modules
and roles are made of their documentation.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

import yaml

from tests.tooling.sources import ROOT

HERE: t.Final = pathlib.Path(__file__).parent
PAGES: t.Final = ("README.md", "C*.md", "MAINTAINERS.md", "SECURITY.md", "docs/*.md", "roles/*/README.md")
PICTURES: t.Final = ("docs/*.svg", "docs/pictures/*")
PLACE: t.Final = "<!-- modules and roles -->"
COLLECTION: t.Final = ("galaxy.yml", "meta", "plugins", "roles")
_LINK: t.Final = re.compile(r"\]\((?!https?://)([^)#\s]+)(?:#[^)\s]*)?\)")
_MODULE: t.Final = re.compile(r"^\| `([a-z_]+)` \|", re.MULTILINE)
_CONTENTS: t.Final = re.compile(r"^\.\. contents::\n(?:   :.*\n)+", re.MULTILINE)
_LINKS: t.Final = re.compile(r"^\.\. ansible-links::\n(?:\n|  .*\n)+", re.MULTILINE)
_TO_README: t.Final = re.compile(r"(\]\((?:\.\./)*)README\.md(?=[#)])")


def gather(source: pathlib.Path) -> None:
    """Copy the pages, and the files that they show or link to."""
    for pattern in PAGES:
        for page in ROOT.glob(pattern):
            _copy_page(page, source)
    for pattern in PICTURES:
        for picture in ROOT.glob(pattern):
            _copy(picture, source)
    for name in ("conf.py", *COLLECTION[:1]):
        shutil.copy((HERE if name == "conf.py" else ROOT) / name, source)


def _copy_page(page: pathlib.Path, source: pathlib.Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in _LINK.findall(text):
        linked = (page.parent / link).resolve()
        if linked.is_file() and linked.suffix != ".md":
            _copy(linked, source)
    path = page.relative_to(ROOT)
    target = source / ("index.md" if path.name == "README.md" and len(path.parts) == 1 else path)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = _with_links_to_index(text, path)
    if path.name == "modules.md":
        text = _MODULE.sub(r"| [`\1`](../collection/\1_module.rst) |", text)
    target.write_text(text, encoding="utf-8")


def _with_links_to_index(text: str, path: pathlib.Path) -> str:
    """The text, with links to README.md of the checkout's root as links to the site's first page."""
    to_root = "../" * (len(path.parts) - 1)
    return _TO_README.sub(lambda found: f"{found[1]}index.md" if found[1] == f"]({to_root}" else found[0], text)


def _copy(file: pathlib.Path, source: pathlib.Path) -> None:
    target = source / file.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, target)


def document_collection(programs: pathlib.Path, target: pathlib.Path) -> None:
    """Write the pages of modules, roles and filters.

    From a copy elsewhere: ansible-doc finds no role of a collection below two folders ``ansible_collections``.
    """
    target.mkdir(mode=0o755)
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    with tempfile.TemporaryDirectory(prefix="portkeeper-site-") as folder:
        copy = pathlib.Path(folder, "ansible_collections/portkeeper/windows")
        copy.mkdir(parents=True)
        for name in COLLECTION:
            original = ROOT / name
            _copy_tree(original, copy / name)
        settings = pathlib.Path(folder, "antsibull.cfg")
        tarball = f"build/portkeeper-windows-{version}.tar.gz"
        # The collection is not on Galaxy yet.
        settings.write_text(
            f"collection_install = {{\n    * = ansible-galaxy collection install {tarball}\n}}\n"
            "collection_url = {\n    * = ../index.html\n}\n",
            encoding="utf-8",
        )
        command = ["--config-file", str(settings), "collection", "--use-current", "--squash-hierarchy"]
        _run(
            programs / "antsibull-docs",
            *command,
            *("--no-indexes", "--no-breadcrumbs", "--fail-on-error"),
            f"--dest-dir={target}",
            "portkeeper.windows",
            environment={"ANSIBLE_COLLECTIONS_PATH": folder},
        )


def list_collection(target: pathlib.Path) -> str:
    """Trim these pages to what the site needs; a table of contents of them, under their short names."""
    entries = {"Modules": ["docs/modules"], "Roles": []}
    for page in sorted(target.glob("*.rst")):
        text = page.read_text(encoding="utf-8")
        # The theme has contents beside each page; addresses that do not exist yet lead nowhere.
        page.write_text(_LINKS.sub("", _CONTENTS.sub("", text)), encoding="utf-8")
        name, kind = page.stem.rsplit("_", 1)
        if kind == "role":
            entries["Roles"] += [f"{name} <roles/{name}/README>", f"{name}: variables <collection/{page.stem}>"]
        else:
            entries["Modules"].append(f"{name}{' (filter)' if kind == 'filter' else ''} <collection/{page.stem}>")
    return "".join(_toctree(caption, pages) for caption, pages in entries.items())


def _toctree(caption: str, pages: list[str]) -> str:
    return "\n".join(["", "```{toctree}", f":caption: {caption}", ":hidden:", "", *pages, "```", ""])


def _copy_tree(original: pathlib.Path, copy: pathlib.Path) -> None:
    if original.is_dir():
        shutil.copytree(original, copy, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(original, copy)


def _run(program: pathlib.Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
    subprocess.run([program, *arguments], env={**os.environ, **(environment or {})}, check=True)


def main() -> None:
    """Build it anew; the exit code of the program that fails."""
    programs, site = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    source, html = site / "source", site / "html"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    gather(source)
    document_collection(programs, source / "collection")
    for name in ("environment_variables", "index"):
        (source / f"collection/{name}.rst").unlink()
    contents = (HERE / "toctree.md").read_text(encoding="utf-8").split(PLACE)
    with (source / "index.md").open("a", encoding="utf-8") as index:
        index.write(list_collection(source / "collection").join(contents))
    shutil.rmtree(html, ignore_errors=True)
    _run(
        programs / "sphinx-build",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-d",
        str(site / "cache"),
        str(source),
        str(html),
    )
    print(f"{len(list(html.rglob('*.html')))} pages: {html / 'index.html'}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
