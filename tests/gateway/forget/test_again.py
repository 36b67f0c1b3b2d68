"""An older backup brings somebody back with messages that nobody had read: they are read, and then she is erased."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway.forget import erase
from gateway.forget.erase import find_missing, keep_in_step
from gateway.redact import Secret
from gateway.store import erasures
from gateway.store.base import metadata
from gateway.store.outbox import outbox
from tests.district import PHONES, District
from tests.reminding import at, look, share_clock, write_to_all

KEY = Secret("k" * 40)


def bring_back(district: District, *names: str) -> None:
    """Let the list beside the database know of erasures that the database does not, as after an older backup."""
    stones = [erasures.Tombstone(erase.hash_phone(KEY, PHONES[name]), district.runtime.now()) for name in names]
    erase.write_list(district.runtime.settings.var, stones)


def erase_again(district: District) -> int:
    """Erase again whom the list knows, and return how many people that was."""
    with district.database.session() as session:
        count = keep_in_step(session, district.runtime.settings.var, KEY, district.runtime.now())
        session.commit()
    return count


def is_waiting(district: District) -> bool:
    """Tell whether somebody is still to be erased again."""
    with district.database.session(read_only=True) as session:
        return bool(find_missing(session, district.runtime.settings.var))


def sent_to(district: District, name: str) -> list[str]:
    """Return where what was written to somebody stands."""
    with district.database.session(read_only=True) as session:
        hers = select(outbox.c.state).where(outbox.c.recipient == PHONES[name]).order_by(outbox.c.id)
        return list(session.execute(hers).scalars())


def test_a_report_that_was_unread_counts_before_its_sender_is_erased_again(district: District) -> None:
    district.say("ani", "STATUS")  # the answer had not gone out either
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12", provider_id="unread")
    bring_back(district, "ani", "eve")
    assert erase_again(district) == 1  # Eve, of whom everything was read
    assert is_waiting(district)
    assert district.message("unread").text == "KB 0925 BARU 12 AKTIF 40 PIL 12"
    assert erase_again(district) == 0
    assert district.handle() == 1
    assert sent_to(district, "ani") == ["withheld", "withheld"]
    assert district.send() == 0
    assert erase_again(district) == 1
    assert not is_waiting(district)
    check_what_is_left(district)


def test_nothing_goes_out_unasked_to_whom_is_waited_for(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    share_clock(district, monkeypatch)
    district.set_clock(at(3))
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12", provider_id="unread")
    bring_back(district, "ani")
    assert erase_again(district) == 0
    look(district)
    write_to_all(district)
    assert sent_to(district, "ani") == ["withheld"]  # of the broadcast; no reminder was written
    assert sent_to(district, "budi") == ["queued", "queued"]
    assert district.handle() == 1
    assert erase_again(district) == 1
    check_what_is_left(district)


def check_what_is_left(district: District) -> None:
    """See that the figures are there, and she is not."""
    with district.database.session(read_only=True) as session:
        [report] = session.execute(select(metadata.tables["reports"])).all()
        figures = select(metadata.tables["report_values"].c.quantity).order_by("quantity")
        assert list(session.execute(figures).scalars()) == [12, 12, 40]
        assert not erasures.find_by_phone(session, PHONES["ani"]).is_known
    assert (report.state, report.text) == ("accepted", "")
    assert (district.message("unread").text, district.message("unread").state) == ("", "done")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_others_write_from_a_shared_phone_is_answered_meanwhile(district: District) -> None:
    district.keep("clinic", "KB PMB05 0925 BARU 11 AKTIF 30 PIL 11")
    with district.database.session(read_only=True) as session:
        names = {name: id_ for id_, name in erasures.named_reporters(session)}
    hers = erase.hash_phone(KEY, f"reporter {names['Sari']} Sari")
    erase.write_list(district.runtime.settings.var, [erasures.Tombstone(hers, district.runtime.now())])
    assert erase_again(district) == 0
    assert district.handle() == 1
    assert sent_to(district, "clinic") == ["queued"]
    assert erase_again(district) == 1
