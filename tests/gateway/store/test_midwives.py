"""Who of the directory is which reporter, and whose each report is."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from gateway.handle import accept
from gateway.handle.accept import ByHand
from gateway.store import doubles, facilities, klikkb, midwives, reporters, roster
from gateway.store.base import Database, Session
from gateway.store.klikkb import Listed
from gateway.store.midwives import Person, link
from gateway.store.reporters import reporter_facilities
from gateway.store.reports import ReportKey
from gateway.store.settled import Selection
from gateway.values import COUNTING, Scope
from tests.district import NOON, PHONES, District, make_district
from tests.klikkb import fill_directory

REGENCY = Scope("14.03")


def reporter_named(session: Session, phone: str, name: str) -> int:
    """Return the id of a reporter by her phone and name."""
    return next(one.id for one in reporters.find_by_phones(session, [phone])[phone] if one.name == name)


def test_a_phone_tells_who_a_midwife_is_and_of_a_shared_one_her_name(database: Database) -> None:
    make_district(database)
    with database.session() as session:
        fill_directory(session)
        found = {one.klikkb_id: who for who, one in midwives.find_links(session, "14.03", scope=REGENCY).items()}
        names = {"KK-001": "Ani", "KK-002": "Wati", "KK-003": "Sari", "KK-004": "Dewi"}
        phones = {"KK-001": "ani", "KK-002": "wati", "KK-003": "clinic", "KK-004": "clinic"}
        assert found == {key: reporter_named(session, PHONES[phones[key]], names[key]) for key in names}


def test_both_sides_are_counted_and_listed_page_by_page(database: Database) -> None:
    make_district(database)
    with database.session() as session:
        fill_directory(session)
        standing = midwives.find_standing(session, "14.03", scope=REGENCY)
        assert (standing.there, standing.unregistered, standing.unlisted, standing.gone) == (5, 1, 2, 0)
        (new,) = midwives.list_midwives(session, "14.03", "new", scope=REGENCY)
        assert new.klikkb_id == "KK-009"
        first = midwives.list_unlisted(session, "14.03", scope=REGENCY, limit=1)
        second = midwives.list_unlisted(session, "14.03", scope=REGENCY, after=first[0].id)
        assert [(one.name, one.area) for one in (*first, *second)] == [("Budi", "14.03.01"), ("Eve", "14.03.01")]
        assert len(midwives.list_midwives(session, "14.03", "registered", scope=REGENCY)) == 4
        shared = midwives.list_shared(session, "14.03", scope=REGENCY)
        assert {(one.name, person.name) for one, person in shared} >= {("Sari", "Dewi"), ("Dewi", "Dewi")}
        assert midwives.find_standing(session, "72.71", scope=REGENCY).there == 0


def test_what_staff_say_comes_before_the_phone_and_outlives_a_merge(database: Database) -> None:
    ids = make_district(database)
    with database.session() as session:
        listed = fill_directory(session)
        budi = reporter_named(session, PHONES["budi"], "Budi")
        assert not klikkb.confirm(session, listed["KK-009"], budi, scope=Scope("72"))
        assert klikkb.confirm(session, listed["KK-009"], budi, scope=REGENCY)
        assert midwives.find_links(session, "14.03", scope=REGENCY)[budi].klikkb_id == "KK-009"
        other = reporters.add_reporter(session, "Budi D", ["+6281230000088"], [ids["DAMON"]])
        pair = [roster.find_reporter(session, one, scope=REGENCY, today=date(2025, 10, 3)) for one in (other, budi)]
        assert pair[0]
        assert pair[1]
        assert doubles.merge_reporters(session, pair[0], pair[1], scope=REGENCY, month="2025-10")
        assert midwives.find_links(session, "14.03", scope=REGENCY)[other].klikkb_id == "KK-009"


def selection() -> Selection:
    """The reports that count of September."""
    return Selection("kb", ("2025-09",), "14.03", COUNTING)


def by_hand(key: str, seen_id: int | None) -> ByHand:
    """A revision that staff typed."""
    return ByHand(key, {}, {"aktif": 7}, 1, seen_id, 1, "dari kertas")


def enter(district: District, place: str, key: str, seen_id: int | None = None) -> int:
    """Let staff type a report and return its id."""
    with district.database.session() as session:
        about = ReportKey("kb", district.ids[place], "2025-09")
        added = accept.enter(session, about, by_hand(key, seen_id), district.runtime.now())
        session.commit()
    assert added
    return added.report_id


def whose(district: District) -> dict[str, list[str]]:
    """Return the facilities of the reports of each midwife, by her Klik-KB id."""
    found: dict[str, list[str]] = {}
    with district.database.session(read_only=True) as session:
        for report_id, one in midwives.attribute(session, selection(), scope=REGENCY).items():
            found.setdefault(one.klikkb_id, []).append(str(report_id))
    return found


def test_a_report_is_hers_who_sent_it_and_what_staff_typed_after_it_too(database: Database, district: District) -> None:
    with district.database.session() as session:
        fill_directory(session)
        reporters.add_reporter(session, "Ani Dua", ["+6281230000055"], [district.ids["PMB01"]])
        session.commit()
    district.say("ani", "KB 0925 BARU 3 AKTIF 40")
    district.say("wati", "KB PMB02 0925 BARU 2 AKTIF 30")
    district.say("wati", "KB PTK 0925 BARU 1 AKTIF 20")
    assert {key: len(ids) for key, ids in whose(district).items()} == {"KK-001": 1, "KK-002": 2}
    corrected = enter(district, "PMB01", "hand-1", int(whose(district)["KK-001"][0]))
    assert whose(district)["KK-001"] == [str(corrected)]


def test_what_staff_typed_first_is_hers_who_alone_reports_there_in_that_month(district: District) -> None:
    with district.database.session() as session:
        fill_directory(session)
        session.commit()
    ani = enter(district, "PMB01", "hand-1")
    assert whose(district) == {"KK-001": [str(ani)]}
    with district.database.session() as session:
        reporters.add_reporter(session, "Ani Dua", ["+6281230000055"], [district.ids["PMB01"]])
        session.commit()
    assert whose(district) == {}  # of two nobody can tell
    with district.database.session() as session:
        second = reporter_named(session, "+6281230000055", "Ani Dua")
        hers = reporter_facilities.c.reporter_id == second
        session.execute(update(reporter_facilities).where(hers).values(from_period="2025-10"))
        session.commit()
    assert whose(district) == {"KK-001": [str(ani)]}  # the second one came later


def test_a_report_of_another_area_is_nobody_s_here(district: District) -> None:
    with district.database.session() as session:
        fill_directory(session)
        session.commit()
    district.say("ani", "KB 0925 BARU 3 AKTIF 40")
    with district.database.session(read_only=True) as session:
        assert midwives.attribute(session, selection(), scope=Scope("72.71")) == {}
        assert facilities.get_facilities(session, [district.ids["PMB01"]])
        assert len(midwives.attribute(session, selection(), scope=REGENCY)) == 1


MIDWIVES = st.lists(
    st.builds(
        lambda name, phone, who, is_gone: (name, phone, who, is_gone),
        st.sampled_from(["Ani", "ANI.", "Wati"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from([None, None, 1, 2]),
        st.booleans(),
    ),
    max_size=5,
)
PEOPLE = st.dictionaries(st.sampled_from(["1", "2"]), st.lists(st.sampled_from([1, 2, 3]), unique=True), max_size=2)


@given(MIDWIVES, PEOPLE)
def test_nobody_is_two_midwives_and_no_midwife_two_reporters(
    given_midwives: list[tuple[str, str | None, int | None, bool]], owners: dict[str, list[int]]
) -> None:
    listed = [
        Listed(at, f"K{at}", name, phone, "14.03.01", "", None, who, NOON if is_gone else None)
        for at, (name, phone, who, is_gone) in enumerate(given_midwives)
    ]
    people = {phone: [Person(one, ("Ani", "Wati", "Eka")[one - 1]) for one in ids] for phone, ids in owners.items()}
    found = link(listed, people)
    assert len({one.id for one in found.values()}) == len(found)
    for reporter_id, one in found.items():
        assert one.gone_at is None
        assert one.reporter_id == reporter_id or any(
            person.id == reporter_id for person in people.get(one.phone or "", ())
        )
