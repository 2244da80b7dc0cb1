# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows' own sentences, in the languages that can be simulated. German ones are partly from memory [K unverified]."""

from __future__ import annotations

import re
import typing as t

from tests.simulator.windows.releases import Language

WIN32_MESSAGES: t.Final[t.Mapping[Language, t.Mapping[int, str]]] = {
    "en": {
        0: "The operation completed successfully.",
        2: "The system cannot find the file specified.",
        5: "Access is denied.",
        32: "The process cannot access the file because it is being used by another process.",
        87: "The parameter is incorrect.",
        1051: "A stop control has been sent to a service that other running services are dependent on.",
        1052: "The requested control is not valid for this service.",
        1056: "An instance of the service is already running.",
        1058: "The service cannot be started, either because it is disabled or because it has no enabled devices "
        "associated with it.",
        1060: "The specified service does not exist as an installed service.",
        1061: "The service cannot accept control messages at this time.",
        1062: "The service has not been started.",
        1067: "The process terminated unexpectedly.",
        1068: "The dependency service or group failed to start.",
        1077: "No attempts to start the service have been made since the last boot.",
        1115: "A system shutdown is in progress.",
        1116: "Unable to abort the system shutdown because no shutdown was in progress.",
        1168: "Element not found.",
        1314: "A required privilege is not held by the client.",
        10013: "An attempt was made to access a socket in a way forbidden by its access permissions.",
        10048: "Only one usage of each socket address (protocol/network address/port) is normally permitted.",
    },
    "de": {
        0: "Der Vorgang wurde erfolgreich beendet.",
        2: "Das System kann die angegebene Datei nicht finden.",
        5: "Zugriff verweigert",
        32: "Der Prozess kann nicht auf die Datei zugreifen, da sie von einem anderen Prozess verwendet wird.",
        87: "Falscher Parameter.",
        1051: "Ein Steuerzeichen zum Beenden wurde an einen Dienst gesendet, von dem andere ausgef\u00fchrte Dienste "
        "abh\u00e4ngig sind.",
        1052: "Der angeforderte Befehl ist f\u00fcr diesen Dienst nicht zul\u00e4ssig.",
        1056: "Es wird bereits eine Instanz des Dienstes ausgef\u00fchrt.",
        1058: "Der angegebene Dienst kann nicht gestartet werden. Er ist deaktiviert oder nicht mit aktivierten "
        "Ger\u00e4ten verbunden.",
        1060: "Der angegebene Dienst ist kein installierter Dienst.",
        1061: "Der Dienst kann momentan keine Steuermeldungen annehmen.",
        1062: "Der Dienst wurde nicht gestartet.",
        1067: "Der Prozess wurde unerwartet beendet.",
        1068: "Der Abh\u00e4ngigkeitsdienst oder die Abh\u00e4ngigkeitsgruppe konnte nicht gestartet werden.",
        1077: "Seit dem letzten Systemstart wurde nicht versucht, den Dienst zu starten.",
        1115: "Das System wird heruntergefahren.",
        1116: "Das Herunterfahren des Systems konnte nicht abgebrochen werden, da das System nicht "
        "heruntergefahren wird.",
        1168: "Element nicht gefunden.",
        1314: "Dem Client fehlt ein erforderliches Recht.",
        10013: "Der Zugriff auf einen Socket war aufgrund der Zugriffsrechte des Sockets unzul\u00e4ssig.",
        10048: "Normalerweise darf jede Socketadresse (Protokoll, Netzwerkadresse oder Anschluss) nur jeweils einmal "
        "verwendet werden.",
    },
}

EVENT_MESSAGES: t.Final[t.Mapping[Language, t.Mapping[tuple[str, int], str]]] = {
    "en": {
        ("Service Control Manager", 7001): "The %1 service depends on the %2 service which failed to start because of "
        "the following error: \r\n%3",
        ("Service Control Manager", 7023): "The %1 service terminated with the following error: \r\n%2",
        ("Service Control Manager", 7034): "The %1 service terminated unexpectedly.  It has done this %2 time(s).",
        ("IPSec", 4292): "The IPSec driver has entered Block mode. IPSec will discard all inbound and outbound TCP/IP "
        "network traffic that is not permitted by boot-time IPSec Policy exemptions.",
        ("EventLog", 6005): "The Event log service was started.",
        ("EventLog", 6006): "The Event log service was stopped.",
        ("USER32", 1074): "The process %1 has initiated the %5 of computer %2 for the following reason: %3 Comment: %6",
    },
    "de": {
        ("Service Control Manager", 7001): 'Der Dienst "%1" ist vom Dienst "%2" abh\u00e4ngig, der aufgrund '
        "folgenden Fehlers nicht gestartet wurde: \r\n%3",
        ("Service Control Manager", 7023): 'Der Dienst "%1" wurde mit folgendem Fehler beendet: \r\n%2',
        ("Service Control Manager", 7034): 'Dienst "%1" wurde unerwartet beendet. Dies ist bereits %2 Mal passiert.',
        (
            "IPSec",
            4292,
        ): "Der IPSec-Treiber wurde in den Blockiermodus versetzt. IPSec wird den gesamten eingehenden und "
        "ausgehenden TCP/IP-Netzwerkverkehr verwerfen, der nicht durch IPSec-Richtlinien zum Startzeitpunkt "
        "zugelassen ist.",
        ("EventLog", 6005): "Der Ereignisprotokolldienst wurde gestartet.",
        ("EventLog", 6006): "Der Ereignisprotokolldienst wurde beendet.",
        ("USER32", 1074): 'Der Prozess %1 hat den Vorgang "%5" von Computer %2 eingeleitet. Grund: %3 Kommentar: %6',
    },
}


PRODUCT_MESSAGES: t.Final[t.Mapping[tuple[str, int], str]] = {
    ("Server ActiveSync", 3015): "IP-based AUTD failed to initialize because the processing of notifications could not "
    "be setup. Error code [%1]. Verify that no other applications are currently bound to UDP port [%2], or try "
    "specifying a different port number.",
    ("Server ActiveSync", 3024): "IP-based AUTD failed to initialize. Error code: [%1].",
    (
        "MSExchangeMTA",
        9321,
    ): "An RPC communications error occurred. An attempt to listen over RPC has failed. NT Error: %1. [%2] (14)",
}
"""Of Exchange, as they are in the reports; which parts are insertion strings is [K] unverified."""


def win32_message(code: int, language: Language) -> str:
    """Return Windows' sentence for a Win32 error code."""
    unknown = {"en": f"Unknown error {code}.", "de": f"Unbekannter Fehler {code}."}
    return WIN32_MESSAGES[language].get(code, unknown[language])


def event_message(source: str, code: int, strings: t.Sequence[str], language: Language) -> str:
    """Return the rendered text of an event; ``%%n`` in its strings becomes the sentence of error n."""
    template = EVENT_MESSAGES[language].get((source, code), PRODUCT_MESSAGES.get((source, code)))
    if template is None:
        return "\r\n".join(strings)

    def insert(match: re.Match[str]) -> str:
        index = int(match[1]) - 1
        return strings[index] if index < len(strings) else ""

    filled = re.sub(r"%(\d)", insert, template)
    return re.sub(r"%%(\d+)", lambda match: win32_message(int(match[1]), language), filled)
