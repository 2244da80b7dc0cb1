# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_assumptions
short_description: Ask a server what this collection assumes about Windows
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - This collection was written without a Windows Server at hand. What no document says is an assumption. This module
    asks a real server whether the assumptions hold, and writes the answers to two files on the controller, one for
    machines and one for people.
  - By default it only reads, so that it can be run on a production server. One list in the collection names everything
    that may be sent. Each message is held against it before it is sent.
  - The files hold no name, address, account, SID or time, so that they can be sent to anybody.
  - The playbook C(portkeeper.windows.verify) runs it.
options:
  directory:
    description:
      - The directory on the controller that gets the files. It is made if it is missing.
      - The names are C(RELEASE-BUILD-LANGUAGE-HASH.json) and the same with C(.md). The hash is that of the answers, so
        that two servers of one build that answer alike have one file, and others two.
    type: path
    required: true
  grade:
    description:
      - What the probes may do. V(look) only reads.
      - V(touch) looks too, and then writes values into a registry key of its own (C(HKLM\SOFTWARE\Portkeeper Verify))
        and excludes a few free UDP ports from 65100 to 65499 by C(netsh), to see how both are read. All of it is taken
        back at the end. If the run breaks off, the next run with V(touch) or V(lab) takes it back first.
      - V(lab) is for a server that may be spoilt. It does all of that, restarts the DNS server, and reboots the server
        up to three times (see O(reboot)). Meanwhile it changes C(MaxUserPort), C(ReservedPorts) on Windows Server 2003,
        C(SocketPoolExcludedPortRanges), excluded port ranges of the active store and the start of the DNS server. It
        also makes services and files of its own, and opens shells until the server refuses one.
      - What V(lab) changes is taken back at the end, as far as it can be, see RV(remains). A note in the key
        C(HKLM\SOFTWARE\Portkeeper Verify) names each change before it is made. If the run breaks off, the next run with
        V(touch) or V(lab) takes back what the note names.
    type: str
    choices: [look, touch, lab]
    default: look
  may_be_spoilt:
    description:
      - With O(grade=lab) the name of this host, as the inventory calls it. Without it, or if this is another host, the
        task fails before anything is sent.
    type: str
  reboot:
    description:
      - With O(grade=lab) set this to V(false) to leave out the probes that reboot the server. Each of them then says
        so.
    type: bool
    default: true
  reboot_timeout:
    description:
      - With O(grade=lab) the seconds until the server must be back after each reboot. From 10 to 86400.
    type: int
    default: 1200
  install:
    description:
      - With O(grade=lab) what C(dism.exe) installs before anything is asked, if the server lacks it. V(dns) is the DNS
        server, V(ad_lds) is AD LDS with an instance on TCP 50389 and 50636, V(nps) is the RADIUS server. All of it
        stays on the server.
      - Windows Server 2003 and 2008 have no C(dism.exe). There RV(remains) says how it is installed by hand.
    type: list
    elements: str
    choices: [dns, ad_lds, nps]
    default: []
  real:
    description:
      - Say that this is a real Windows Server. Only such answers count in the documentation of this collection. The
        project's own simulator reveals itself, whatever is said here.
    type: bool
    default: false
  record:
    description:
      - Keep every message and its answer, masked, as XML files in a directory of the same name beside the files. Sent
        along with the answers, they let this collection's readers be run on what a real server writes.
      - Each letter of a text that is not on a list becomes C(x), each digit C(0), each address one and the same.
        Numbers, times, words of the protocol, and names that every Windows has stay. These files differ with each run.
    type: bool
    default: false
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
attributes:
  check_mode:
    details: The server is asked all the same, but nothing is touched, whatever O(grade) says. No file is written.
  diff_mode:
    support: none
    details: The files are new ones.
  idempotent:
    details: Answers that a file has already are not written again.
seealso:
  - module: portkeeper.windows.port_info
"""

EXAMPLES = r"""
- name: Ask a real server what it does, and keep the answers (member server, 2022)
  portkeeper.windows.verify_assumptions:
    directory: "{{ playbook_dir }}/verified"
    real: true

- name: Ask also for what has to be written, and take it back at the end (member server, 2022)
  portkeeper.windows.verify_assumptions:
    directory: "{{ playbook_dir }}/verified"
    grade: touch
    real: true

- name: Ask also for what only a server that may be spoilt can tell (member server, 2022)
  portkeeper.windows.verify_assumptions:
    directory: "{{ playbook_dir }}/verified"
    grade: lab
    may_be_spoilt: lab2022
    real: true
  when: inventory_hostname == 'lab2022'
"""

RETURN = r"""
file:
  description: The file for machines.
  returned: success
  type: str
  sample: /srv/verified/2019-17763-1033-1f0c2a9be6d4.json
page:
  description: The file for people.
  returned: success
  type: str
  sample: /srv/verified/2019-17763-1033-1f0c2a9be6d4.md
target:
  description:
    - Whose answers these are. V(real) for a server that O(real=true) calls so, V(simulated) for the project's
      simulator, V(unconfirmed) for any other.
  returned: success
  type: str
  sample: real
windows:
  description: The server, as far as the answers may depend on it.
  returned: success
  type: dict
  contains:
    release:
      description: The release, as the files' names have it.
      type: str
      sample: "2019"
    version:
      description: Major, minor and build number.
      type: str
      sample: 10.0.17763
    product_type:
      description: V(1) for a workstation, V(2) for a domain controller, V(3) for another server.
      type: int
      sample: 3
    language:
      description: The language of the installation, as an LCID.
      type: int
      sample: 1033
    winrm:
      description: The version of the WinRM stack.
      type: str
      sample: "3.0"
counts:
  description: How many probes came to each verdict.
  returned: success
  type: dict
  contains:
    as_expected:
      description: The server does what the collection expects.
      type: int
      sample: 113
    otherwise:
      description: The server does something else. Please report it.
      type: int
      sample: 0
    cant_tell:
      description: This server can't answer the question, for example because it has no DNS server.
      type: int
      sample: 23
probes:
  description: What each probe saw.
  returned: success
  type: list
  elements: dict
  contains:
    probe:
      description: The name of the probe.
      type: str
      sample: absent_value
    asks:
      description: Its question.
      type: str
      sample: What does StdRegProv return for an absent text in a key that exists?
    does:
      description: What it does to the server.
      type: str
      sample: StdRegProv.GetStringValue
    verdict:
      description: V(as_expected), V(otherwise) or V(cant_tell).
      type: str
      sample: as_expected
    seen:
      description: What was seen; none if the verdict is V(cant_tell).
      type: raw
      sample: 1
    expected:
      description: What the collection and its simulator expect.
      type: raw
      sample: 1
    settles:
      description: The assumption of the simulator that this settles; empty if it has no name there.
      type: str
      sample: registry_absent_value
    why:
      description: Why the probe can't tell; empty otherwise.
      type: str
      sample: ""
remains:
  description: What O(grade=lab) could not take back, as sentences. Empty if nothing remains.
  returned: success
  type: list
  elements: str
  sample: []
requests:
  description: The number of messages that were sent to the server.
  returned: success
  type: int
  sample: 82
"""
