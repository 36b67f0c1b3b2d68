"""What midwives and attackers send in a chaos run, and a ledger of what the house acknowledged."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException

from tests.chaos.harness import SECRET, pause, phone_of

PRACTICES = 25
FIRST_SENT_AT = datetime(2025, 10, 3, tzinfo=UTC)
APART = timedelta(seconds=40)  # two messages of one client
DOUBLED, OLD, REPEATED, CHAT, FORGED = 0.15, 0.15, 0.10, 0.05, 0.05  # shares of the messages
CLIENT_SECONDS = 60  # a provider that waits longer for its answer comes again
AHEAD = 150  # messages that are acknowledged and not yet answered
CHATS = ("Selamat siang bu", "Terima kasih banyak ya bu", "Besok ada rapat di puskesmas jam berapa?")


@dataclass(frozen=True)
class Message:
    """One SMS; `values` is empty where it is no report. `rank` decides which of two reports counts."""

    id: str
    phone: int
    sent_at: datetime
    text: str
    values: Mapping[str, int] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[datetime, str]:
        return self.sent_at, self.id

    @property
    def body(self) -> bytes:
        sms = {"id": self.id, "from": phone_of(self.phone), "text": self.text, "sent_at": self.sent_at.isoformat()}
        return json.dumps(sms).encode()


class Ledger:
    """What was handed in, and what was said to it. Several clients write in it."""

    def __init__(self) -> None:
        self.sent: dict[str, Message] = {}
        self.acknowledged: set[str] = set()
        self.forged: set[str] = set()
        self.answers: Counter[str] = Counter()  # a status, or how none came
        self.wrong: list[str] = []  # answers that must not be
        self._lock = threading.Lock()

    def hand_in(self, message: Message) -> None:
        """Write down that a message is about to be sent."""
        with self._lock:
            self.sent[message.id] = message

    def hear(self, message: Message, answer: str) -> None:
        """Write down what was said to a message."""
        with self._lock:
            self.answers[answer] += 1
            if answer == "200":
                self.acknowledged.add(message.id)
            elif answer.isdigit() and answer != "503":
                self.wrong.append(f"{message.id} was answered {answer}")

    def hear_forged(self, key: str, answer: str) -> None:
        """Write down what was said to somebody who does not know the secret."""
        with self._lock:
            self.forged.add(key)
            if answer.isdigit() and answer not in {"403", "503"}:
                self.wrong.append(f"forged {key} was answered {answer}")


def post(port: int, body: bytes, secret: str = SECRET, seconds: float = CLIENT_SECONDS) -> str:
    """Hand a message in once, and return the status, or how none came: refused, too late, or cut off."""
    line = HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        line.request(
            "POST", "/in/generic/sms", body, {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        )
        answer = line.getresponse()
        answer.read()
        return str(answer.status)
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "too late"
    except (OSError, HTTPException):
        return "cut off"
    finally:
        line.close()


def write_messages(client: int, chance: random.Random) -> Iterator[Message]:
    """Write one client's messages without end: mostly reports of one month, in an order that is not that of ranks."""
    before: list[Message] = []
    number = 0
    while True:
        number += 1
        key, drawn = f"c{client}-{number}", chance.random()
        sent_at = FIRST_SENT_AT + number * APART + timedelta(seconds=client)
        if drawn < OLD:
            sent_at -= chance.randint(1, 40) * APART
        if drawn > 1 - REPEATED and before:  # the same words, and another message
            yield replace(chance.choice(before), id=key, sent_at=sent_at)
            continue
        phone = chance.randrange(2 * PRACTICES)
        if drawn > 1 - REPEATED - CHAT:
            yield Message(key, phone, sent_at, f"{chance.choice(CHATS)} {key}")
            continue
        values = {"baru": chance.randint(0, 20), "aktif": chance.randint(40, 60), "aktif.pil": chance.randint(0, 40)}
        words = f"KB 0925 BARU {values['baru']} AKTIF {values['aktif']} PIL {values['aktif.pil']}"
        before = [*before[-20:], Message(key, phone, sent_at, words, values)]
        yield before[-1]


class Client(threading.Thread):
    """A provider's side of the wire: each message is tried until it is acknowledged, some from two lines at once.

    It runs ahead of the answers by some messages only: on a busy machine nothing but a long queue would be tried.
    """

    def __init__(
        self, number: int, seed: str, port: int, ledger: Ledger, per_second: float, answered: Callable[[], int]
    ) -> None:
        super().__init__(daemon=True)
        self._number, self._port, self._ledger, self._pace = number, port, ledger, 1 / per_second
        self._chance = random.Random(f"{seed}-client-{number}")
        self._stopped = threading.Event()
        self._answered = answered

    def stop(self) -> None:
        """Begin no other message; what was begun is tried until it is acknowledged."""
        self._stopped.set()

    def run(self) -> None:
        """Hand messages in until told to stop."""
        for message in write_messages(self._number, self._chance):
            if self._stopped.wait(self._chance.uniform(0.5, 1.5) * self._pace):
                return
            while len(self._ledger.acknowledged) - self._answered() > AHEAD and not self._stopped.wait(0.05):
                pass
            if self._chance.random() < FORGED:
                forged = replace(message, id=f"forged-{message.id}")
                secret = self._chance.choice(("", "wrong", SECRET[:-1], f"{SECRET}x"))
                self._ledger.hear_forged(forged.id, post(self._port, forged.body, secret))
            self._ledger.hand_in(message)
            if self._chance.random() < DOUBLED:
                double = threading.Thread(target=self._carry, args=(message,), daemon=True)
                double.start()
                self._carry(message)
                double.join()
            else:
                self._carry(message)

    def _carry(self, message: Message) -> None:
        while (answer := post(self._port, message.body)) != "200":
            self._ledger.hear(message, answer)
            pause(0.1)
        self._ledger.hear(message, answer)
