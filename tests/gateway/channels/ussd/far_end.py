"""The far end of each dialect: a gateway that asks as it was recorded to, and reads an answer as it would."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from gateway.values import HttpRequest, HttpResponse

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
PHONE = "6281234567890"


@dataclass
class Gateway(ABC):
    """One session at a gateway, from the dial to the end."""

    secret: str
    name: str = "umb"
    phone: str = PHONE
    code: str = "*123#"
    session_id: str = "s-1"
    typed: list[str] = field(default_factory=list)
    hops: int = 0

    def dial(self, dialled: str = "*123#") -> HttpRequest:
        """Return the request of a dial, the code or more."""
        self.hops, self.typed = 1, []
        return self.ask(dialled, is_first=True)

    def answer(self, typed: str) -> HttpRequest:
        """Return the request of an answer."""
        self.hops += 1
        self.typed.append(typed)
        return self.ask(typed, is_first=False)

    @abstractmethod
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        """Return the request of one hop."""

    @abstractmethod
    def read(self, response: HttpResponse) -> tuple[str, bool]:
        """Return what the phone shows, and whether the session ends."""

    @property
    def path(self) -> str:
        """The address that the operator gave to the gateway."""
        return f"/in/{self.name}/ussd?token={self.secret}"

    def post(self, document: Mapping[str, Any]) -> HttpRequest:
        """Return a request with a JSON document."""
        return HttpRequest("POST", self.path, {"content-type": JSON}, json.dumps(document).encode())


class AfricasTalking(Gateway):
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        if is_first:
            self.typed = [part for part in written.strip("*#").removeprefix(self.code.strip("*#")).split("*") if part]
        fields = {
            "sessionId": self.session_id,
            "phoneNumber": f"+{self.phone}",
            "networkCode": "99999",
            "serviceCode": self.code,
            "text": "*".join(self.typed),
        }
        return HttpRequest("POST", self.path, {"content-type": FORM}, urlencode(fields).encode())

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        word, _, text = response.body.partition(" ")
        assert word in {"CON", "END"}
        return text, word == "END"


class Hubtel(Gateway):
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        return self.post(
            {
                "Mobile": self.phone,
                "SessionId": self.session_id,
                "ServiceCode": self.code.strip("*#"),
                "Type": "Initiation" if is_first else "Response",
                "Message": written,
                "Operator": "MTN",
                "Sequence": self.hops,
                "ClientState": "",
                "Platform": "USSD",
            }
        )

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        said = json.loads(response.body)
        return said["Message"], {"Response": False, "Release": True}[said["Type"]]


class Arkesel(Gateway):
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        return self.post(
            {
                "sessionID": self.session_id,
                "userID": "U1",
                "newSession": is_first,
                "msisdn": self.phone,
                "userData": written,
                "network": "MTN",
            }
        )

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        said = json.loads(response.body)
        return said["message"], not said["continueSession"]


class Nalo(Gateway):
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        return self.post(
            {
                "USERID": "NALOTest",
                "MSISDN": self.phone,
                "USERDATA": written,
                "MSGTYPE": is_first,
                "NETWORK": "MTN",
                "SESSIONID": self.session_id,
            }
        )

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        said = json.loads(response.body)
        return said["MSG"], not said["MSGTYPE"]


class Beem(Gateway):
    request_id = 0

    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        return self.post(
            {
                "command": "initiate" if is_first else "continue",
                "msisdn": self.phone,
                "session_id": self.session_id,
                "operator": "vodacom",
                "payload": {"request_id": self.request_id, "response": 0 if is_first else written},
            }
        )

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        said = json.loads(response.body)
        self.request_id = said["payload"]["request_id"]
        return said["payload"]["request"], {"continue": False, "terminate": True}[said["command"]]


class Infobip(Gateway):
    @property
    def path(self) -> str:
        return f"/in/{self.name}/ussd/{self.secret}"

    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        step = "start" if is_first else "response"
        document = {"msisdn": self.phone, "imsi": "", "shortCode": self.code, "text": written, "ussdGwId": "gw1"}
        return HttpRequest(
            "POST" if is_first else "PUT",
            f"{self.path}/session/{quote(self.session_id)}/{step}",
            {"content-type": JSON},
            json.dumps(document).encode(),
        )

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        said = json.loads(response.body)
        return said["ussdMenu"], said["shouldClose"]


class Flares(Gateway):
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        dialled = written.strip("*#") if is_first else written
        fields = {"SessionID": self.session_id, "MSISDN": self.phone, "MSC": "msc1", "input": dialled}
        return HttpRequest("GET", f"{self.path}&{urlencode(fields)}", {})

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        assert (response.headers["charge"], response.headers["amount"]) == ("N", "0")
        return response.body, {"FC": False, "FB": True}[response.headers["Freeflow"]]


class FlaresXml(Gateway):
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><request type="pull">'
            f"<sessionId>{self.session_id}</sessionId><transactionId>t{self.hops}</transactionId>"
            f"<msisdn>{self.phone}</msisdn><newRequest>{int(is_first)}</newRequest>"
            f"<subscriberInput>{escape(written.strip('*#') if is_first else written)}</subscriberInput>"
            "<flowState/><freeflow><mode>FD</mode></freeflow></request>"
        )
        return HttpRequest("POST", self.path, {"content-type": "application/xml"}, body.encode())

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        root = ET.fromstring(response.body)
        flow = root.findtext("freeflow/freeflowState")
        return root.findtext("applicationResponse") or "", {"FC": False, "FB": True}[str(flow)]


class KannelUssd(Gateway):
    def ask(self, written: str, *, is_first: bool) -> HttpRequest:
        tlvs = f"op={'%01' if is_first else '%12'}&its=*%00"
        fields = {
            "id": f"61aecab3-{self.session_id}-{self.hops}",
            "from": f"+{self.phone}",
            "to": self.code.strip("*#"),
            "hex": written.encode().hex(),
            "coding": "0",
        }
        return HttpRequest("GET", f"{self.path}&{urlencode(fields)}&{tlvs}", {})

    def read(self, response: HttpResponse) -> tuple[str, bool]:
        tlvs = re.fullmatch(
            r"\?smpp\?ussd_service_op=(2|17)&its_session_info=([^&]*)&", response.headers["X-Kannel-Meta-Data"]
        )
        assert tlvs is not None
        assert unquote_to_bytes(tlvs[2]) == (b"*\x01" if tlvs[1] == "17" else b"*\x00")
        return response.body, tlvs[1] == "17"


GATEWAYS: Mapping[str, Callable[[str], Gateway]] = {
    "africastalking": AfricasTalking,
    "arkesel": Arkesel,
    "beem": Beem,
    "flares": Flares,
    "flaresxml": FlaresXml,
    "hubtel": Hubtel,
    "infobip": Infobip,
    "kannelussd": KannelUssd,
    "nalo": Nalo,
}
