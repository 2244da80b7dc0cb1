# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of all stacks, and the sentences that they become."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, faults
from tests.unit.plugins.module_utils._wsman import answers

ORIGIN = errors.Origin("edge1", "Invoke StopService", "root/cimv2/Win32_Service Name=DNS")
OTHER_URI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/MSFT_WmiError"


def raised(content: str) -> errors.WsmanError:
    envelope = soap.parse(answers.envelope(content).encode(), ORIGIN)
    fault = faults.fault_in(soap.body_of(envelope, ORIGIN))
    assert fault is not None
    with pytest.raises(errors.WsmanError) as caught:
        faults.raise_fault(envelope, fault, ORIGIN)
    return caught.value


NESTED_DENIED = answers.wsman_fault(
    2150859045, answers.provider_fault(answers.wsman_fault(2147749891) + answers.extended_status(""))
)


def quota(
    code: int, *, subcode: str = "w:QuotaLimit", kind: type[errors.WsmanError] = errors.QuotaExceeded
) -> tuple[str, type[errors.WsmanError], int]:
    return answers.fault(subcode, answers.wsman_fault(code)), kind, code


CASES: dict[str, tuple[str, type[errors.WsmanError], int | None]] = {
    "denied by number": (answers.fault("w:AccessDenied", answers.wsman_fault(5)), errors.AccessDenied, 5),
    "denied by subcode alone": (answers.fault("wsman:AccessDenied"), errors.AccessDenied, None),
    "denied as HRESULT": (
        answers.fault("w:InternalError", answers.wsman_fault(2147942405)),
        errors.AccessDenied,
        0x80070005,
    ),
    "denied, signed": (
        answers.fault("w:InternalError", answers.wsman_fault(-2147217405)),
        errors.AccessDenied,
        0x80041003,
    ),
    "denied inside the provider": (answers.fault("w:InternalError", NESTED_DENIED), errors.AccessDenied, 0x80041003),
    "denied as CIM status": (
        answers.fault("w:Other", answers.wmi_error("<p:CIMStatusCode>2</p:CIMStatusCode>")),
        errors.AccessDenied,
        None,
    ),
    "unknown class": (
        answers.fault("a:DestinationUnreachable", answers.wsman_fault(2150858752)),
        errors.NotFound,
        0x80338000,
    ),
    "unknown class in a query": (
        answers.fault(
            "n:CannotProcessFilter",
            answers.wsman_fault(
                2150858778,
                answers.provider_fault(
                    answers.wsman_fault(2150858778) + answers.extended_status('<p:StatusCode xsi:nil="true"/>')
                ),
            ),
        ),
        errors.NotFound,
        0x8033801A,
    ),
    "bad query": (
        answers.fault("n:CannotProcessFilter", answers.wsman_fault(2150858778, answers.wsman_fault(0x80041017))),
        errors.WsmanFault,
        0x80041017,
    ),
    "unknown namespace": (
        answers.fault("a:DestinationUnreachable", answers.wsman_fault(2150858752, answers.wsman_fault(0x8004100E))),
        errors.NotFound,
        0x8004100E,
    ),
    "selectors": (answers.fault("w:InvalidSelectors", answers.wsman_fault(2150858843)), errors.NotFound, 0x8033805B),
    "timeout": (answers.TIMED_OUT, errors.TimedOut, 0x80338029),
    "shell quota": (
        answers.fault("w:QuotaLimit", answers.wmi_error("<p:error_Code>2150859173</p:error_Code>")),
        errors.QuotaExceeded,
        0x803381A5,
    ),
    "shell quota by message id": (
        answers.fault(
            "w:QuotaLimit", answers.wmi_error("<p:MessageID>HRESULT 0x803381a5</p:MessageID>", uri=OTHER_URI)
        ),
        errors.QuotaExceeded,
        0x803381A5,
    ),
    "operation quota": (
        answers.fault("w:InternalError", answers.wsman_fault(2150859174), code="s:Receiver"),
        errors.QuotaExceeded,
        0x803381A6,
    ),
    "operation quota as WmiError": (
        answers.fault("w:QuotaLimit", answers.wmi_error("<p:error_Code>2150859174</p:error_Code>")),
        errors.QuotaExceeded,
        0x803381A6,
    ),
    "quota of the user": quota(0x803381A7, kind=errors.ServerBusy),
    "quota of the system": quota(0x803381A8, subcode="w:InternalError", kind=errors.ServerBusy),
    "quota of shell users": quota(0x803381AB),
    **{f"quota 0x{code:08X}": quota(code) for code in range(0x803381E4, 0x803381EB)},
    "busy": (answers.fault("w:QuotaLimit", answers.wsman_fault(0x8033803F)), errors.ServerBusy, 0x8033803F),
    "busy without a number": (answers.fault("w:QuotaLimit"), errors.ServerBusy, None),
    "done, but the answer is too large": (
        answers.fault("w:UnreportableSuccess", answers.wsman_fault(0x8033804D), code="s:Receiver"),
        errors.UnreportedSuccess,
        0x8033804D,
    ),
    "answer too large": (
        answers.fault("w:EncodingLimit", answers.wsman_fault(0x80338048)),
        errors.WsmanFault,
        0x80338048,
    ),
    "answer larger than the service allows": (
        answers.fault("w:EncodingLimit", answers.wsman_fault(0x80338049)),
        errors.WsmanFault,
        0x80338049,
    ),
    "missing selector": (
        answers.fault("w:InvalidSelectors", answers.wsman_fault(0x8033805A)),
        errors.NotFound,
        0x8033805A,
    ),
    "unknown method": (
        answers.fault("a:ActionNotSupported", answers.wsman_fault(0x80338013)),
        errors.NotFound,
        0x80338013,
    ),
    "concurrency": (answers.fault("w:Concurrency"), errors.QuotaExceeded, None),
    "not found in the newer shape": (
        answers.fault("w:Other", answers.wmi_error("<p:CIMStatusCode>6</p:CIMStatusCode>")),
        errors.NotFound,
        None,
    ),
    "newer shape with HRESULT": (
        answers.fault(
            "w:Other",
            answers.wmi_error(
                "<p:CIMStatusCode>1</p:CIMStatusCode><p:MessageID>HRESULT 0x80041010</p:MessageID>", uri=OTHER_URI
            ),
        ),
        errors.NotFound,
        0x80041010,
    ),
    "unknown": (answers.fault("w:Odd", answers.wsman_fault(1234567890)), errors.WsmanFault, 1234567890),
    "number that is none": (answers.fault("w:Odd", answers.wsman_fault("later")), errors.WsmanFault, None),
    "bare": ("<s:Fault/>", errors.WsmanFault, None),
}


@pytest.mark.parametrize("case", CASES)
def test_faults(case: str) -> None:
    content, kind, code = CASES[case]
    error = raised(content)
    assert error.__class__ is kind
    assert error.code == code
    assert (error.host, error.operation, error.target) == ("edge1", ORIGIN.operation, ORIGIN.target)
    assert str(error).startswith("Invoke StopService of root/cimv2/Win32_Service Name=DNS on edge1 failed: ")
    assert str(error).endswith(".")
    assert "\n" not in str(error)


def test_access_denied_says_what_to_do() -> None:
    sentence = str(raised(CASES["denied by number"][0]))
    for part in ("(5)", "LocalAccountTokenFilterPolicy", "Administrators", "Remote Enable", "Execute Methods"):
        assert part in sentence


NUMBERS_WITH_ADVICE = (
    *range(0x803381A5, 0x803381A9),
    0x803381AB,
    *range(0x803381E4, 0x803381EB),
    0x8033803F,
    0x8033804D,
)


@pytest.mark.parametrize("code", NUMBERS_WITH_ADVICE, ids=hex)
def test_a_quota_says_what_is_used_up_and_what_to_do(code: int) -> None:
    error = raised(answers.fault("w:Odd", answers.wsman_fault(code)))
    assert "Text of the server" not in str(error)
    assert error.advice


def test_named_fields() -> None:
    both = answers.wsman_fault(7) + answers.wmi_error("<p:error_Code>8</p:error_Code>")
    error = raised(answers.fault("w:QuotaLimit", both))
    assert isinstance(error, errors.WsmanFault)
    assert (error.subcode, error.wsman_code, error.wmi_code) == ("w:QuotaLimit", 7, 8)
    assert error.provider == "Text of the server."


def test_words_of_the_server_when_nothing_is_known() -> None:
    assert "failed: Etwas ging schief." in str(raised(answers.fault("w:Odd")))
    assert "failed: Text of the server (77)." in str(raised(answers.fault("w:Odd", answers.wsman_fault(77))))


def test_stack_of_2005() -> None:
    old = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Detail>"
        '<g:WSManFault xmlns:g="http://schemas.xmlsoap.org/wsman/2005/06/management" Code="32768"/>'
        "</s:Detail></s:Fault>"
    )
    error = raised(old)
    assert isinstance(error, errors.ProtocolViolation)
    assert "KB936059" in str(error)
    assert "KB968930" in str(error)


def test_stack_of_2005_by_fault_detail() -> None:
    detail = "<w:FaultDetail>http://schemas.xmlsoap.org/wsman/2005/06/faultDetail/InvalidOption</w:FaultDetail>"
    assert "KB968930" in str(raised(answers.fault("w:Odd", detail)))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        (" 2150858793 ", 0x80338029),
        ("-2147217405", 0x80041003),
        ("0x803381a5", 0x803381A5),
        ("HRESULT 0x803381A5", 0x803381A5),
        ("", None),
        (None, None),
        ("five", None),
        ("0x", None),
        ("99999999999", None),
        ("HRESULT", None),
    ],
)
def test_number(text: str | None, number: int | None) -> None:
    assert faults.number(text) == number


@pytest.mark.parametrize(
    ("code", "text"), [(5, "5"), (413, "413"), (0x80041003, "0x80041003"), (0x10000, "0x00010000")]
)
def test_readable(code: int, text: str) -> None:
    assert errors.readable(code) == text


def test_sentence_without_operation() -> None:
    error = errors.HostUnreachable(host="edge1", meaning="no connection", advice="check the port")
    assert str(error) == "edge1: no connection; check the port."
    located = error.located(errors.Origin("other", "Get", "root/cimv2/A"))
    assert str(located) == "Get of root/cimv2/A on edge1 failed: no connection; check the port."
