"""A GSM modem on loopback that speaks AT commands and PDUs, with a network behind it that a test plays itself.

Gammu reaches it by `connection = proxyat` and `device = socat - TCP:127.0.0.1:<port>`.
Source: 3GPP TS 27.005 and 27.007 (the commands), TS 23.040, 9.2.2 (the PDUs), TS 23.038 (the alphabet).
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import gsm0338

from gateway.segments import split

SMS_CENTRE = "628110000000"
GSM = gsm0338.Codec()
CONNECTED, CTRL_Z, ESCAPE = b"\r\n> ", b"\x1a", b"\x1b"
SLOTS = 50

# What is asked while Gammu makes itself known to a modem, and what one with a SIM card in it answers.
ANSWERS = {
    "AT+CGMI": "EMULATED",
    "AT+CGMM": "LOOPBACK",
    "AT+CGMR": "1.0",
    "AT+CIMI": "510101234567890",
    "AT+CPIN?": "+CPIN: READY",
    "AT+CBC": "+CBC: 0,100",
    "AT+CREG?": "+CREG: 0,1",
    "AT+CGREG?": "+CGREG: 0,1",
    "AT+COPS?": '+COPS: 0,2,"51010"',
    "AT+CSCA?": f'+CSCA: "+{SMS_CENTRE}",145',
    "AT+CPMS=?": '+CPMS: ("SM"),("SM"),("SM")',
    "AT+CSCS=?": '+CSCS: ("GSM","UCS2","IRA")',
    "AT+CSCS?": '+CSCS: "GSM"',
    "AT+CNMI=?": "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)",
    "AT+CMGF=?": "+CMGF: (0)",
    "AT+CMGF?": "+CMGF: 0",
    "AT+CSMS=?": "+CSMS: (0,1)",
    "AT+CSMS?": "+CSMS: 0,1,1,1",
    "AT+CFUN?": "+CFUN: 1",
    "ATI": "LOOPBACK",
}
# What is set, which changes nothing here. Every other command is unknown, as Gammu asks some to find out.
SETS = re.compile(r"AT[Z&ES]?[0-9=]*|AT\+(CMEE|CMGF|CNMI|CSMS|CSDH|CSCS|CLIP|CRC|CSMP|CREG|CGREG|COPS|CFUN|CUSD)=[^?]*")


@dataclass(frozen=True, slots=True)
class Submitted:
    """One SMS as the modem was told to send it. `header` is its user data header, in hexadecimal."""

    to: str
    text: str
    header: str
    is_unicode: bool
    wants_report: bool


@dataclass(slots=True)
class AtModem:
    """The modem; use it as a context. What a test changes: `fault`, `keeps_deleted`, `report`, `signal`, `ussd`.

    `fault`: a CMS error that each send gets, or `hang`: no answer. `report`: the status byte of delivery reports, None
    where the network sends none. `keeps_deleted`: deleting fails, as on modems whose storage is worn out.
    """

    imei: str = "351234567890123"
    fault: str = ""
    report: int | None = 0
    keeps_deleted: bool = False
    signal: int = 20
    ussd: str = "Pulsa Rp 12.500"
    sent: list[Submitted] = field(default_factory=list)
    tries: int = 0  # how often it was told to send something
    _stored: dict[int, bytes] = field(default_factory=dict)
    _reference: int = 0
    _lines: list[socket.socket] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _door: socket.socket = field(default_factory=socket.socket)

    def __enter__(self) -> Self:
        self._door.bind(("127.0.0.1", 0))
        self._door.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        for line in list(self._lines):
            with suppress(OSError):  # it may have gone by itself
                line.shutdown(socket.SHUT_RDWR)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._door.getsockname()[1])

    @property
    def stored(self) -> int:
        """How many SMS lie on its SIM card."""
        return len(self._stored)

    def receive(self, sender: str, text: str, at: datetime, header: bytes = b"") -> None:
        """Let one SMS come in from the network, stamped by its centre; `header` without its own length."""
        self._store(write_deliver(sender, text, at, header))

    def receive_long(self, sender: str, text: str, at: datetime, ref: int) -> None:
        """Let a text come in as the parts that a phone would cut it into."""
        parts = split(text)
        for number, part in enumerate(parts, 1):
            self.receive(sender, part.text, at, bytes((0, 3, ref, len(parts), number)))

    def forget(self) -> None:
        """Empty the SIM card and behave again."""
        with self._lock:
            self._stored.clear()
            self.sent.clear()
            self.fault, self.report, self.keeps_deleted, self.tries = "", 0, False, 0

    def _store(self, pdu: bytes) -> None:
        with self._lock:
            slot = next(number for number in range(1, SLOTS + 1) if number not in self._stored)
            self._stored[slot] = pdu
            for line in self._lines:
                _say(line, f'+CMTI: "SM",{slot}')

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._lines.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        """Answer commands until the line is closed; after AT+CMGS comes a PDU, which ends with Ctrl-Z."""
        heard, awaits_pdu = b"", False
        try:
            while chunk := line.recv(4096):
                heard += chunk
                while True:
                    end = CTRL_Z if awaits_pdu else b"\r"
                    if awaits_pdu and heard.startswith(ESCAPE):
                        heard, awaits_pdu = heard[1:], False
                        _say(line, "OK")
                        continue
                    if end not in heard:
                        break
                    word, _, heard = heard.partition(end)
                    command = word.strip(b"\n\x1a\x1b ").decode("latin-1")
                    if awaits_pdu:
                        awaits_pdu = False
                        self._submit(line, bytes.fromhex(command))
                    elif command:
                        line.sendall(word + b"\r")  # the echo
                        awaits_pdu = command.upper().startswith("AT+CMGS=")
                        if awaits_pdu:
                            line.sendall(CONNECTED)
                        else:
                            self._answer(line, command)
        except OSError:
            pass
        finally:
            self._lines.remove(line)
            line.close()

    def _answer(self, line: socket.socket, command: str) -> None:
        with self._lock:
            asked = command.upper()
            count = len(self._stored)
            places = ",".join([f'"SM",{count},{SLOTS}'] * 3)
            if asked in ANSWERS:
                _say(line, ANSWERS[asked], "OK")
            elif asked == "AT+CGSN":
                _say(line, self.imei, "OK")
            elif asked == "AT+CSQ":
                _say(line, f"+CSQ: {self.signal},99", "OK")
            elif asked == "AT+CPMS?":
                _say(line, f"+CPMS: {places}", "OK")
            elif asked.startswith("AT+CPMS="):
                _say(line, "+CPMS: " + ",".join([f"{count},{SLOTS}"] * 3), "OK")
            elif asked.startswith("AT+CMGL"):
                _say(line, *(f"+CMGL: {slot},0,,{_show(pdu)}" for slot, pdu in sorted(self._stored.items())), "OK")
            elif found := re.fullmatch(r"AT\+CMG([RD])=(\d+)(?:,\d)?", asked):
                self._read_or_delete(line, found[1], int(found[2]))
            elif found := re.match(r'AT\+CUSD=1,"?([^",]*)"?', asked):
                _say(line, "OK")
                _say(line, f'+CUSD: 1,"{self.ussd}",15')
            else:
                _say(line, "OK" if SETS.fullmatch(asked) else "ERROR")

    def _read_or_delete(self, line: socket.socket, verb: str, slot: int) -> None:
        if slot not in self._stored:
            _say(line, "+CMS ERROR: 321")  # invalid memory index
        elif verb == "R":
            _say(line, f"+CMGR: 0,,{_show(self._stored[slot])}", "OK")
        elif self.keeps_deleted:
            _say(line, "+CMS ERROR: 500")
        else:
            del self._stored[slot]
            _say(line, "OK")

    def _submit(self, line: socket.socket, pdu: bytes) -> None:
        with self._lock:
            self.tries += 1
            if self.fault == "hang":
                return
            if self.fault:
                _say(line, f"+CMS ERROR: {self.fault}")
                return
            found = read_submit(pdu)
            self.sent.append(found)
            self._reference = self._reference % 255 + 1
            _say(line, f"+CMGS: {self._reference}", "OK")
            if found.wants_report and self.report is not None:
                self._store(write_report(self._reference, found.to, self.report))


def write_deliver(sender: str, text: str, at: datetime, header: bytes = b"") -> bytes:
    """Return the PDU of an SMS that comes in (SMS-DELIVER), with its centre's address before it."""
    part = split(text)[0]
    heading = bytes((len(header), *header)) if header else b""
    first = 0x44 if header else 0x04
    if part.is_gsm:
        fill = -len(heading) * 8 % 7
        length = (len(heading) * 8 + fill) // 7 + len(part.octets)
        coding, content = 0x00, heading + _pack(part.octets, fill)
    else:
        coding, content = 0x08, heading + part.octets
        length = len(content)
    return _centre() + bytes((first,)) + _address(sender) + bytes((0, coding)) + _stamp(at) + bytes((length,)) + content


def write_report(reference: int, recipient: str, status: int) -> bytes:
    """Return the PDU of a delivery report (SMS-STATUS-REPORT) of now."""
    now = datetime.now(UTC)
    return _centre() + bytes((0x06, reference)) + _address(recipient) + _stamp(now) + _stamp(now) + bytes((status,))


def read_submit(pdu: bytes) -> Submitted:
    """Return what a PDU that is to be sent says (SMS-SUBMIT)."""
    at = 1 + pdu[0]
    first, digits, kind = pdu[at], pdu[at + 2], pdu[at + 3]
    at += 4
    octets = (digits + 1) // 2
    number = _unswap(pdu[at : at + octets])[:digits]
    coding = pdu[at + octets + 1]
    at += octets + 2 + (0, 7, 1, 7)[first >> 3 & 3]  # the validity period
    length, content = pdu[at], pdu[at + 1 :]
    header = content[: content[0] + 1] if first & 0x40 else b""
    is_unicode = coding & 0x0C == 0x08
    if is_unicode:
        text = content[len(header) : length].decode("utf-16-be")
    else:
        fill = -len(header) * 8 % 7
        skipped = (len(header) * 8 + fill) // 7
        text = GSM.decode(_unpack(content[len(header) :], length - skipped, fill))[0]
    to = f"+{number}" if kind == 0x91 else number
    return Submitted(to, text, header.hex(), is_unicode, bool(first & 0x20))


def _say(line: socket.socket, *words: str) -> None:
    with suppress(OSError):  # Gammu has gone; what it did not hear it asks for again
        line.sendall("".join(f"\r\n{word}\r\n" for word in words).encode("latin-1"))


def _show(pdu: bytes) -> str:
    return f"{len(pdu) - 1 - pdu[0]}\r\n{pdu.hex().upper()}"


def _centre() -> bytes:
    return bytes((7, 0x91)) + _swap(SMS_CENTRE)


def _address(written: str) -> bytes:
    if re.fullmatch(r"\+?\d+", written):
        digits = written.removeprefix("+")
        return bytes((len(digits), 0x91 if written.startswith("+") else 0x81)) + _swap(digits)
    packed = _pack(GSM.encode(written)[0], 0)
    return bytes((len(packed) * 2, 0xD0)) + packed


def _stamp(at: datetime) -> bytes:
    """Return an instant as a centre stamps it, in the zone that it was given in."""
    offset = at.utcoffset()
    assert offset is not None, "a centre tells its zone"
    quarters = int(offset.total_seconds()) // 900
    zone = _swap(f"{abs(quarters):02d}")[0] | (0x08 if quarters < 0 else 0)
    return _swap(at.strftime("%y%m%d%H%M%S")) + bytes((zone,))


def _swap(digits: str) -> bytes:
    even = digits + "F" * (len(digits) % 2)
    return bytes(int(even[at + 1] + even[at], 16) for at in range(0, len(even), 2))


def _unswap(octets: bytes) -> str:
    return "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in octets).rstrip("f")


def _pack(septets: bytes, fill: int) -> bytes:
    bits = sum(septet << (7 * place + fill) for place, septet in enumerate(septets))
    return bits.to_bytes((7 * len(septets) + fill + 7) // 8, "little")


def _unpack(octets: bytes, count: int, fill: int) -> bytes:
    bits = int.from_bytes(octets, "little") >> fill
    return bytes(bits >> (7 * place) & 127 for place in range(count))
