# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the report, as programs read them: whole, well formed, and with nothing in them that acts."""

from __future__ import annotations

import base64
import csv
import hashlib
import html.parser
import io
import json
import pathlib
import re
import typing as t
import xml.etree.ElementTree as ET

import jsonschema
import pytest

from tests.report.conftest import Made
from tests.report.facts import HOSTILE
from tests.report.rendering import ROLE, report_of_variables

SVG: t.Final = "{http://www.w3.org/2000/svg}"
PICTURED: t.Final = (
    *("edge-taken", "edge-hostile", "edge-risk", "edge-fixed", "edge-delayed", "edge-partly", "web-small"),
)
VOID: t.Final = frozenset({"meta", "link", "input", "br", "img", "wbr"})


class Elements(html.parser.HTMLParser):
    """The elements of a page in their order, and those whose end does not fit their beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.misfits: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.misfits.append(f"</{tag}> at {self.getpos()}")

    def close(self) -> None:
        super().close()
        self.misfits += self._open


@pytest.fixture(scope="module")
def elements(made: Made) -> Elements:
    parser = Elements()
    parser.feed(made.text("index.html"))
    parser.close()
    return parser


def test_no_server_failed_the_run(made: Made) -> None:
    assert made.run.total("failures") == 0
    assert made.run.recap["edge-gone"]["ignored"] == 1


def test_every_server_of_the_play_is_in_the_report(made: Made) -> None:
    report = json.loads(made.text("report.json"))
    states = {host["name"]: (host["state"], host["reading"]) for host in report["hosts"]}
    assert states == {
        "edge-taken": ("critical", "read"),
        "edge-hostile": ("critical", "read"),
        "edge-risk": ("warning", "read"),
        "edge-fixed": ("waiting", "read"),
        "edge-partly": ("not_read", "read"),
        "edge-delayed": ("well", "read"),
        "web-small": ("well", "read"),
        "edge-gone": ("not_read", "unreachable"),
        "edge-refused": ("not_read", "failed"),
    }
    assert report["total"] == len(made.results)


def test_results_in_host_vars_make_the_same_report(made: Made, tmp_path: pathlib.Path) -> None:
    """No text in them is a template, though Ansible takes its own files for playbooks' words."""
    given = {name: result for name, result in made.results.items() if not {"failed", "unreachable"} & {*result}}
    report_of_variables(given, tmp_path)
    expected, found = (json.loads(text) for text in (made.text("report.json"), _text(tmp_path / "report")))
    assert found["hosts"] == [host for host in expected["hosts"] if host["name"] in given]


def _text(directory: pathlib.Path) -> str:
    return (directory / "report.json").read_text(encoding="utf-8")


def test_no_file_has_a_control_character(made: Made) -> None:
    paths = [path for path in made.directory.rglob("*") if path.is_file()]
    assert len(paths) == 6 + len(PICTURED)
    for path in paths:
        text = path.read_bytes().decode("utf-8")
        found = re.findall(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]|\\u00[01][0-8bcef]|\\u202e", text)
        assert (path.name, found) == (path.name, [])


def test_json_keeps_to_its_schema(made: Made) -> None:
    schema = json.loads((ROLE / "files" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    report = json.loads(made.text("report.json"))
    jsonschema.validate(report, schema, cls=jsonschema.Draft202012Validator)
    assert (report["schema"], report["version"]) == ("portkeeper.windows/port_report", 1)


def test_the_last_task_says_where_the_page_is_and_no_server_is_changed(made: Made) -> None:
    last, failing = made.run.results[-2:]
    assert (failing.action, failing.status) == ("ansible.builtin.fail", "skipped")
    assert last.action == "ansible.builtin.debug"
    headline = json.loads(made.text("report.json"))["headline"]
    assert last.result["msg"] == f"{headline} The page: {made.page}"
    assert made.run.total("changed") == 0


def test_json_has_every_port(made: Made) -> None:
    hosts = {host["name"]: host for host in json.loads(made.text("report.json"))["hosts"]}
    pool = next(row for row in hosts["edge-taken"]["holders"] if row["pool"])
    ports: set[int] = set()
    for text in pool["udp"].split(", "):
        first, _dash, last = text.partition("-")
        ports |= set(range(int(first), int(last or first) + 1))
    assert len(ports) == pool["udp_count"] == 2500
    assert 50636 in ports


def test_page_is_well_formed(elements: Elements) -> None:
    assert elements.misfits == []
    ids = [str(attributes["id"]) for _tag, attributes in elements.found if "id" in attributes]
    assert sorted(ids) == sorted(set(ids))


def test_page_needs_nobody_else(made: Made, elements: Elements) -> None:
    addresses = [
        value
        for _tag, attributes in elements.found
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster") and value
    ]
    assert [address for address in addresses if not address.startswith(("#", "data:,"))] == []
    assert "@import" not in made.text("index.html")
    assert re.findall(r"url\((?!#)", made.text("index.html")) == []


def test_page_runs_only_its_own_script(made: Made) -> None:
    text = made.text("index.html")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    # The script makes elements one by one: a browser that knows this rule lets it write no markup.
    assert "require-trusted-types-for 'script'" in policy[1]
    for pattern in (r"<script>(.*?)</script>", r"<style>(.*?)</style>", r'<style id="map-style">(.*?)</style>'):
        found = re.search(pattern, text, re.DOTALL)
        assert found
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]


def test_nothing_from_a_server_becomes_an_element(elements: Elements) -> None:
    tags = [tag for tag, _attributes in elements.found]
    assert tags.count("script") == 3
    kinds = [attributes.get("type") for tag, attributes in elements.found if tag == "script"]
    assert kinds == ["application/json", "application/json", None]
    assert "img" not in tags
    handlers = [name for _tag, attributes in elements.found for name in attributes if name.startswith("on")]
    assert handlers == []


def test_nothing_from_a_server_becomes_a_template(made: Made) -> None:
    text = made.text("index.html")
    assert text.count("&lt;img src=x onerror=alert(2)&gt;{{ 7 * 7 }}") > 10
    assert "<img" not in text
    assert "alert(2)&gt;49" not in text
    assert "\u202e" not in text
    assert "\x07" not in text


def test_csv_has_no_formula(made: Made) -> None:
    for name in ("servers.csv", "findings.csv"):
        rows = list(csv.reader(io.StringIO(made.text(name), newline="")))
        assert len({len(row) for row in rows}) == 1
        cells = [cell for row in rows for cell in row]
        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    servers = {row["name"]: row for row in csv.DictReader(io.StringIO(made.text("servers.csv"), newline=""))}
    assert set(servers) == set(made.results)
    assert servers["edge-refused"]["message"].startswith("'=HYPERLINK")
    assert servers["edge-taken"]["probability"] == "0.281932"


def test_csv_tells_apart_what_somebody_must_do(made: Made) -> None:
    servers = {row["name"]: row for row in csv.DictReader(io.StringIO(made.text("servers.csv"), newline=""))}
    told = {name: (row["state"], row["waits_for"], row["by_itself"]) for name, row in servers.items()}
    assert told["edge-fixed"] == ("waiting", "dns_restart", "")
    assert told["edge-delayed"] == ("well", "", "start mode (DNS)")


def test_csv_has_every_finding(made: Made) -> None:
    findings = list(csv.DictReader(io.StringIO(made.text("findings.csv"), newline="")))
    assert sorted(row["server"] for row in findings) == ["edge-hostile", "edge-taken", "web-small"]
    assert findings[0]["fix"].lstrip("'").startswith("- name: Give AD LDS its ports back")


def test_a_picture_for_each_server_that_was_read(made: Made) -> None:
    names = {path.name for path in (made.directory / "maps").iterdir()}
    assert names == {f"{name}.svg" for name in PICTURED}


@pytest.mark.parametrize("name", PICTURED)
def test_picture_stands_alone(made: Made, name: str) -> None:
    root = ET.fromstring(made.text(f"maps/{name}.svg"))
    assert root.tag == f"{SVG}svg"
    title, text = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == f"Port map of {name}"
    assert text is not None
    assert text.text
    assert [item for item in root.iter() if item.tag in (f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject")] == []


def test_picture_says_whose_it_is_of_when_and_what_collides(made: Made) -> None:
    root = ET.fromstring(made.text("maps/edge-taken.svg"))
    texts = [node.text or "" for node in root.iter(f"{SVG}text")]
    assert texts[0] == "edge-taken"
    assert re.fullmatch(r"Critical, Windows Server 2022, read \d{4}-\d\d-\d\d \d\d:\d\d UTC", texts[1])
    assert "\u2715 UDP 50636 of ADAM_MSExchange is used by dns.exe (process 1084, service DNS)." in texts
    assert re.findall(r"""(?:href|src|url)\s*[=(]\s*["']?(?!#)""", made.text("maps/edge-taken.svg")) == []


def test_picture_says_in_words_what_collides(made: Made) -> None:
    text = ET.fromstring(made.text("maps/edge-taken.svg")).findtext(f"{SVG}desc") or ""
    assert "UDP 50636 of ADAM_MSExchange is used by dns.exe (process 1084, service DNS)." in text
    assert HOSTILE not in text
