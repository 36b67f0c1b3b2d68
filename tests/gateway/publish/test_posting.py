"""A report that another system sends: judged, counted and told as an SMS is, and kept once however often it comes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from gateway.app import create_app
from gateway.publish import problems
from gateway.store import audit, reports
from gateway.store.audit import Wanted
from gateway.store.reports import Report, ReportKey
from gateway.values import ReportState, Scope
from parsers.problems import ProblemCode
from tests.district import District
from tests.gateway.publish.conftest import Answer, System, Systems
from tests.gateway.review.visits import sign_in


def revisions(district: District, form: str = "kb", place: str = "PMB01", period: str = "2025-09") -> list[Report]:
    """Return every revision of a report."""
    with district.database.session(read_only=True) as session:
        return list(reports.revisions(session, ReportKey(form, district.ids[place], period)))


def codes_of(answer: Answer) -> list[str]:
    """Return what is wrong or doubtful."""
    return [one["code"] for one in answer.json["problems"]]


def test_a_report_counts_at_once_and_is_told_where_it_is(system: System, district: District) -> None:
    answer = system.report()
    assert (answer.status_code, answer.json["decision"], answer.json["report"]["state"]) == (201, "counts", "accepted")
    told = answer.json["report"]
    assert (told["values"], told["source"]) == ({"baru": 12, "aktif": 40, "aktif.pil": 30}, "system")
    assert system.get(answer.headers["Location"].removeprefix("/api/v1")).json == told
    assert system.get("/coverage").json["reported"] == 1
    with district.database.session(read_only=True) as session:
        [done] = audit.search(session, Wanted(noun="report", action="post"), scope=Scope("14.03"))
    assert (done.user_name, done.area) == ("API: Dasbor", "14.03.01")


# What a midwife may send one after the other, and the same as a system posts it.
CONVERSATIONS = {
    "first": [("KB 0925 BARU 12 AKTIF 40 PIL 30", {"baru": 12, "aktif": 40, "aktif.pil": 30})],
    "corrected": [
        ("KB 0925 BARU 12 AKTIF 40", {"baru": 12, "aktif": 40}),
        ("KB 0925 BARU 13 AKTIF 41", {"baru": 13, "aktif": 41}),
    ],
    "flagged": [
        (
            "KB 0925 BARU 9 AKTIF 40 SUNTIK 20 SUNTIK3 9",
            {"baru": 9, "aktif": 40, "aktif.suntik": 20, "aktif.suntik3": 9},
        )
    ],
    "late": [("KB 0525 BARU 12 AKTIF 40", {"baru": 12, "aktif": 40})],
    "zero": [("KB 0925 BARU 0 AKTIF 0", {"baru": 0, "aktif": 0})],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_posted_report_and_the_same_sms_give_the_same_values_and_states(
    system: System, district: District, name: str
) -> None:
    """Of Ani by SMS, of Eve by the API, each in a practice of her own."""
    for number, (text, values) in enumerate(CONVERSATIONS[name]):
        period = f"20{text[5:7]}-{text[3:5]}"
        district.say("ani", text)
        answer = system.report(f"{number}", facility="140300106", period=period, values=values)
        assert answer.status_code == 201, answer.text
        by_sms, by_system = (revisions(district, "kb", place, period) for place in ("PMB01", "PMB06"))
        assert [(one.state, one.values) for one in by_sms] == [(one.state, one.values) for one in by_system]
        with district.database.session(read_only=True) as session:
            flags = [reports.find_flags(session, these[-1].id) for these in (by_sms, by_system)]
        assert flags[0] == flags[1]


def test_what_an_sms_is_refused_for_is_refused_here_with_its_code_in_both_languages(system: System) -> None:
    answer = system.report(values={"baru": 3, "aktif": 40, "pasca": 9, "baru.pil": 7})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert {"parts_exceed_whole", "sum_exceeds_total"} <= set(codes_of(answer))
    [parts] = [one for one in answer.json["problems"] if one["code"] == "parts_exceed_whole"]
    assert (parts["title"], parts["title_id"], parts["level"]) == (
        "pasca make 9 together, more than baru (3).",
        "pasca berjumlah 9, lebih dari baru (3).",
        "H",
    )
    assert codes_of(system.report(values={})) == ["values_missing"]
    assert codes_of(system.report(values={"baru": 1, "xyz": 2, "cabut.pil": 1})) == ["item_not_allowed"] * 2
    assert codes_of(system.report(period="2025-12")) == ["period_future"]


def test_a_doubt_is_confirmed_by_its_sign_as_an_sms_is_by_ya(system: System, district: District) -> None:
    doubted = system.report("a", values={"baru": 9, "aktif": 4})
    assert (doubted.status_code, codes_of(doubted)) == (422, ["active_below_new"])
    assert revisions(district) == []
    sign = doubted.json["problems"][0]["confirm"]
    assert system.report("a", values={"baru": 9, "aktif": 5}, confirm=[sign]).status_code == 422, "another number"
    taken = system.report("a", values={"baru": 9, "aktif": 4}, confirm=[sign])
    assert taken.json["report"]["state"] == "accepted"
    district.say("eve", "KB 0925 BARU 9 AKTIF 4")
    district.say("eve", "YES")
    assert [one.state for one in revisions(district, place="PMB06")] == ["accepted"]


def test_a_report_for_a_closed_month_is_a_request_to_staff(system: System, district: District) -> None:
    district.close_month("kb", "2025-09")
    taken = system.report(values={"baru": 9, "aktif": 4})
    assert (taken.json["decision"], taken.json["report"]["state"]) == ("closed", "flagged")
    assert [one["code"] for one in taken.json["report"]["flags"]] == ["month_closed", "active_below_new"]


def test_of_an_sms_and_a_posted_report_the_one_sent_later_counts(system: System, district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    before = (district.runtime.now() - timedelta(hours=1)).isoformat()
    old = system.report("old", values={"baru": 1, "aktif": 41}, sent_at=before)
    assert (old.json["decision"], old.json["report"]["state"]) == ("outdated", "replaced")
    district.pass_time(seconds=1)
    new = system.report("new", values={"baru": 2, "aktif": 42})
    assert (new.json["decision"], new.json["report"]["replaces"]) == ("counts", revisions(district)[0].id)
    ahead = (district.runtime.now() + timedelta(hours=1)).isoformat()
    for wrong in (ahead, "2025-10-03T05:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "yesterday"):
        assert system.report("wrong", sent_at=wrong).status_code == 422, wrong


def test_after_approval_a_posted_report_is_a_proposal(system: System, district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    staff = create_app(district.runtime).test_client()
    sign_in(staff, district.runtime)
    [report] = revisions(district)
    with district.database.session() as session:
        reports.set_state(session, report.id, ReportState.APPROVED, was="accepted")
        session.commit()
    district.pass_time(seconds=1)
    assert system.report("b", values={"baru": 12, "aktif": 40}).json["decision"] == "unchanged"
    taken = system.report("c", values={"baru": 13, "aktif": 40})
    assert (taken.json["decision"], taken.json["report"]["state"]) == ("proposed", "flagged")
    shown = staff.get(f"/reports/{taken.json['report']['id']}")
    assert (shown.status_code, "Dasbor" in shown.text) == (200, True)
    for path in ("/reports", "/queue", "/month", f"/reports/{taken.json['report']['id']}/correct"):
        assert staff.get(path).status_code == 200, path


def test_a_report_that_is_sent_again_with_its_key_is_kept_once(system: System, district: District) -> None:
    first = system.report("k1")
    again = system.report("k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    other = system.report("k1", values={"baru": 13, "aktif": 40})
    assert (other.status_code, other.json["type"]) == (422, "/api/v1/docs#problem-key-reused")
    assert len(revisions(district)) == 1


def test_the_keys_of_two_systems_are_their_own(systems: Systems, district: District) -> None:
    first, second = systems.make(), systems.make()
    assert first.report("k", values={"baru": 1, "aktif": 40}).status_code == 201
    district.pass_time(seconds=1)
    assert second.report("k", values={"baru": 2, "aktif": 40}).status_code == 201
    assert len(revisions(district)) == 2


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_report_without_a_key_is_refused_by_the_headers_name(system: System, key: str) -> None:
    answer = system.report(key)
    assert (answer.status_code, answer.json["faults"][0]["at"]) == (422, "Idempotency-Key")


def test_a_report_sent_many_times_at_once_is_kept_once(system: System, district: District) -> None:
    answers: list[Answer] = []
    start = threading.Barrier(6)

    def send() -> None:
        start.wait()
        mine = System(system.client.application.test_client(), system.secret, system.token_id)
        answers.append(mine.report("same"))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json["report"]["id"] for answer in answers}) == 1
    assert len(revisions(district)) == 1


def test_every_finding_of_the_judge_has_a_sentence_in_both_languages() -> None:
    of_the_reader = {
        *("message_too_long", "form_unclear", "command_unclear", "word_unknown", "word_ambiguous", "word_negated"),
        *("number_missing", "number_stray", "number_not_whole", "number_range", "number_signed", "number_garbled"),
        *("number_unit", "number_month"),
        *("numbers_not_four", "order_unclear", "key_twice", "item_missing", "period_unclear", "period_swapped"),
        *("periods_differ", "period_taken", "facility_missing", "repairs_too_many"),
    }
    said = problems.load_sayings()
    assert {code.value for code in ProblemCode} - of_the_reader <= set(said)
    for code, words in said.items():
        assert set(words) == {"id", "en"}, code
        if code in set(ProblemCode):
            slots = {name.strip("[]"): "x" for name in ProblemCode(code).about}  # type: ignore[call-arg]
            assert all(one.format(**slots) for one in words.values()), code
