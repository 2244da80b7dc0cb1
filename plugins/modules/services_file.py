# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: services_file
short_description: Keep entries of the services file of Windows
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Adds, changes and removes entries of C(%SystemRoot%\System32\drivers\etc\services), the table from service names to
    ports. Use it to document static ports in the place where the next administrator looks for them.
  - Only the lines of the entries change. Every other line stays byte for byte as it was, with its line end, tabs,
    comments in whatever code page, and a missing end of the last line.
  - The file is replaced as a whole or not at all. The new content is written beside it, read again and compared, and
    then moved into place. A run that is killed at any point leaves the old file or the new one.
  - An entry in this file opens no port, reserves none and moves no service. M(portkeeper.windows.reserved_ports)
    reserves ports, M(portkeeper.windows.static_rpc_port) gives a service its port.
options:
  entries:
    description:
      - The entries. A name and a protocol make an entry; no entry may be given twice.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the service, 1 to 64 letters, digits and the characters C(_ . + -). Upper and lower case mean the
            same.
          - Required with O(state=present). If it is left out with O(state=absent), every name is meant.
        type: str
      port:
        description:
          - Port from 1 to 65535.
          - Required with O(state=present). If it is left out with O(state=absent), every port is meant.
        type: int
      protocol:
        description:
          - Protocol of the entry. Give two entries for both protocols.
        type: str
        choices:
          - tcp
          - udp
        required: true
      aliases:
        description:
          - Other names of the service, in the characters of O(entries[].name). An empty list removes them.
          - If it is left out, an existing line keeps its aliases.
        type: list
        elements: str
      comment:
        description:
          - The text after C(#) at the end of the line, at most 200 printable ASCII characters. Other characters are an
            error, since the code page of the file is not known. An empty text removes the comment.
          - If it is left out, an existing line keeps its comment, byte for byte.
        type: str
  state:
    description:
      - V(present) - each entry has its line. If the first line with the name and protocol differs, it is replaced in
        its place. A missing line is added at the end.
      - V(absent) - no line has the name, or the port, or both, even if another program wrote it. A line that by the
        journal another owner needs stays, such as one of a role, and RV(msg) names that owner.
    type: str
    choices:
      - present
      - absent
    default: present
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
  - portkeeper.windows._risks
notes:
  - The folder of the file is read from the value C(DataBasePath) in
    C(HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters).
  - Before the first change the file is copied to C(services.portkeeper-backup) beside it. C(state=absent) of
    M(portkeeper.windows.converge) restores exactly these bytes if no other program has changed the file since.
    Otherwise only the lines of this collection are taken out. Then the backup is removed too.
  - Needs commands on the server, C(type), C(dir), C(findstr), C(fc), C(copy), C(move) and C(del), since WMI has no
    class for the content of files.
  - The task fails before it changes anything for a read-only file, for a file that can't be read whole, such as a
    Unicode file, and for a file that would not come back unchanged, such as one with lines of more than 8,000 bytes.
  - The file loses attributes and access rights of its own. The new file has those that its folder gives to new files.
  - Programs that have looked a name up before may go on with the old port. Nothing is restarted.
seealso:
  - module: portkeeper.windows.static_rpc_port
  - module: portkeeper.windows.reserved_ports
  - module: portkeeper.windows.converge
"""

EXAMPLES = r"""
- name: Document the static ports of an Exchange server (Exchange 2003)
  portkeeper.windows.services_file:
    entries:
      - name: exchange-is-rpc
        port: 5000
        protocol: tcp
        comment: static RPC port of the information store
      - name: exchange-sa-rpc
        port: 5001
        protocol: tcp
        aliases:
          - exchange-rfr

- name: Remove an entry by its name and protocol (Exchange 2003)
  portkeeper.windows.services_file:
    entries:
      - name: exchange-mta-rpc
        protocol: tcp
    state: absent

- name: Remove whatever is said of a port (member server, 2022)
  portkeeper.windows.services_file:
    entries:
      - port: 5002
        protocol: tcp
    state: absent
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
verdict:
  description: How the server stands, the words that RV(msg) begins with. docs/troubleshooting.md says what each of them
    means.
  returned: success
  type: str
  sample: OK, in force
msg:
  description: The verdict, what was done and what is still to be done, in a few sentences.
  returned: success
  type: str
  sample: OK, in force. Changed services_file.
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2003 SP2
path:
  description: The file.
  returned: success
  type: str
  sample: C:\WINDOWS\System32\drivers\etc\services
backup_file:
  description: The file as it was before the first change, beside it. Empty if there is no such backup.
  returned: success
  type: str
  sample: C:\WINDOWS\System32\drivers\etc\services.portkeeper-backup
before:
  description: The lines about the entries as found.
  returned: success
  type: dict
  contains: &lines
    lines:
      description: The lines without their ends. Tabs are shown as blanks, and bytes above 127, whose meaning nobody
        knows, as escapes.
      type: list
      elements: str
      sample: ["exchange-is-rpc  5000/tcp                          #static RPC port of the information store"]
    temporary_files:
      description: Files beside it that a killed run left, and that this run removes. Missing if there are none.
      type: list
      elements: str
      sample: [services.portkeeper-new]
after:
  description: The lines about the entries after the task, or in check mode as they would be.
  returned: success
  type: dict
  contains: *lines
effective:
  description: Whether what was done is in force. Always V(yes) here, since the file is read at each lookup.
  returned: success
  type: str
  sample: "yes"
reasons:
  description: Why RV(effective) is what it is. Always empty here; each module that changes something returns it.
  returned: success
  type: list
  elements: str
  sample: []
reboot_required:
  description: Whether the server must be rebooted. Always V(false) here; each module that changes something returns it.
  returned: success
  type: bool
  sample: false
restart_required:
  description: Whether DNS must be restarted. Always V(false) here; each module that changes something returns it.
  returned: success
  type: bool
  sample: false
waiting_for:
  description: Ports that can't be excluded yet. Always empty here; M(portkeeper.windows.reserved_ports) fills it.
  returned: success
  type: list
  elements: dict
  sample: []
rights:
  description:
    - The rights that the steps need, as far as check mode can tell, each with the object that it is needed on.
    - C(missing) are those that Windows denies to the account; the run would stop there with access denied, and a
      warning says what to grant.
    - C(not_checked) are those for which Windows can't be asked without trying.
  returned: in check mode, if anything would be changed
  type: dict
  sample:
    missing: ["KEY_SET_VALUE on HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters"]
    not_checked: []
warnings:
  description: What should be known beside the result, such as a second name for the same port.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: ["5000/tcp has another name too in this file: commplex-main."]
"""
