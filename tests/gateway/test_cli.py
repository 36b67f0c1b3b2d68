"""The command line as it is typed: every fault in a sentence; what needs no process of its own runs in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import cli
from gateway.forms import load_forms
from gateway.runtime import utc_now
from gateway.settings import Settings, read_settings
from gateway.store import inbox, outbox, registrations
from gateway.store.base import Database
from tests.district import PHONES, District, make_runtime

ROOT = Path(__file__).resolve().parents[2]
FOUNDING = {"id": "7", "text": "KB 0925 BARU 12 AKTIF 40 PIL 30", "on": "2025-10-03"}


def run(*arguments: str, given: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `kabar` and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KABAR_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        input=given,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT)} | environ,
        check=False,
        timeout=120,
    )


def ask(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `kabar` in this process, for tests that give many commands: each process would read the whole house first."""
    said, complained = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(complained):
        for name, value in environ.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), said.getvalue(), complained.getvalue())


def test_messages_are_read_one_json_a_line_in_order_without_a_database() -> None:
    lines = [
        FOUNDING,
        {"id": 8, "text": "halo bu", "on": "2025-10-03"},
        {"id": None, "text": "KB 0925 BARU 12", "on": "2025-10-03"},
    ]
    done = run("parse", given="\n".join(map(json.dumps, lines)), KABAR_DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert first == {
        "id": "7",
        "kind": "report",
        "clean": True,
        "command": None,
        "reports": [
            {
                "form": "kb",
                "period": "2025-09",
                "facility": None,
                "values": {"baru": 12, "aktif": 40, "aktif.pil": 30},
                "repairs": [],
                "problems": [],
            }
        ],
    }
    assert (second["id"], second["kind"], third["id"], third["clean"]) == (8, "text", None, False)
    assert third["reports"][0]["problems"][0].keys() >= {"code", "words", "span"}


def test_a_line_that_is_no_message_says_so_and_the_next_is_read() -> None:
    done = run("parse", given=f'nonsense\n{{"text": 5}}\n{json.dumps(FOUNDING)}\n')
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert "JSON" in first["fault"]
    assert "JSON" in second["fault"]
    assert third["clean"]
    assert done.returncode == 0


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: json.dumps({"text": text}).encode())))
@settings(max_examples=200)
def test_no_line_whatever_raises(line: bytes) -> None:
    found: dict[str, Any] = cli._parse_line(line, load_forms(), utc_now().date())
    assert json.loads(json.dumps(found))["kind"] in ("report", "fragment", "command", "text")


@pytest.mark.parametrize(
    ("typed", "indonesian", "english"),
    [
        (("lari",), "Perintah ini tidak ada", "No such command"),
        (("--lari",), "Opsi ini tidak ada", "No such option"),
        (("users", "lari"), "Perintah ini tidak ada", "No such command"),
        (("sms", "--to", "x"), "Opsi ini tidak ada", "No such option"),
        (("sms", "halo"), "Ada yang belum ditulis", "Missing option"),
        (("web", "--port", "0"), "Ada isian yang salah", "Invalid value"),
        (("migrate", "lagi"), "Perintah ini tidak ditulis dengan benar", "unexpected extra argument"),
    ],
)
def test_a_slip_is_told_in_indonesian_first(typed: tuple[str, ...], indonesian: str, english: str) -> None:
    done = ask(*typed)
    assert done.returncode == 2
    assert done.stderr.startswith(indonesian)
    assert english in done.stderr
    assert done.stderr.count("--help") <= 2


@pytest.mark.parametrize(("typed", "status"), [((), 2), (("users",), 2), (("--help",), 0), (("sms", "--help"), 0)])
def test_who_asks_for_help_has_made_no_slip(typed: tuple[str, ...], status: int) -> None:
    done = ask(*typed)
    assert done.returncode == status
    assert "Usage: kabar" in done.stdout + done.stderr
    assert "cara menulisnya" not in done.stdout + done.stderr


def test_wrong_settings_stop_a_command_with_all_their_faults_and_no_trace(tmp_path: Path) -> None:
    done = run(
        "migrate", KABAR_VAR=str(tmp_path), KABAR_PORT="0", KABAR_CHANELS="twilio", KABAR_DATABASE_URL="oracle://x"
    )
    assert done.returncode == 2
    assert {"KABAR_PORT", "KABAR_CHANELS", "KABAR_DATABASE_URL"} <= set(done.stderr.replace(":", " ").split())
    assert "Traceback" not in done.stderr


def test_the_doctor_says_what_to_mend_and_then_that_it_is_mended(tmp_path: Path, redis_url: str) -> None:
    environ = {"KABAR_VAR": str(tmp_path), "KABAR_REDIS_URL": redis_url}
    before = ask("doctor", **environ)
    assert before.returncode == 1
    assert "./kabar migrate" in before.stdout
    assert ask("migrate", **environ).returncode == 0
    after = ask("doctor", **environ)
    assert (after.returncode, "PERIKSA" in after.stdout) == (0, False), after.stdout


def test_the_doctor_speaks_to_a_monitor_too(tmp_path: Path, redis_url: str) -> None:
    environ = {"KABAR_VAR": str(tmp_path), "KABAR_REDIS_URL": redis_url}
    done = run("doctor", "--json", **environ)
    said = json.loads(done.stdout)
    assert (done.returncode, said["well"]) == (1, False)
    verdicts = {one["name"]: one["verdict"] for one in said["checks"]}
    assert (verdicts["migrations"], verdicts["redis"]) == ("mend", "ok")
    assert all(one["words"] for one in said["checks"])


def test_the_doctor_names_a_database_and_a_redis_that_are_away(tmp_path: Path) -> None:
    away = {
        "KABAR_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x",
        "KABAR_REDIS_URL": "redis://:hunter2@127.0.0.1:1",
    }
    done = ask("doctor", KABAR_VAR=str(tmp_path), **away)
    assert done.returncode == 1
    assert "KABAR_DATABASE_URL" in done.stdout
    assert "KABAR_REDIS_URL" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_phone_in_the_terminal_says_why_it_was_not_answered(tmp_path: Path) -> None:
    var = tmp_path / "var"
    done = run("sms", "--from", "081230000001", "--url", "http://127.0.0.1:1", "KB", KABAR_VAR=str(var))
    assert done.returncode == 1
    assert var.stat().st_mode & 0o077 == 0, "the folder that it made is open to others"
    assert "./kabar demo" in done.stderr
    assert "http://127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_is_a_sentence_with_the_way_on(tmp_path: Path) -> None:
    away = {"KABAR_DATABASE_URL": "postgresql://kabar:hunter2@127.0.0.1:1/kabar", "KABAR_VAR": str(tmp_path)}
    for command in (("migrate",), ("users", "list")):
        done = run(*command, **away)
        assert done.returncode == 1
        assert "basis data" in done.stderr
        assert "./kabar doctor" in done.stderr
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    "command", [("migrate",), ("users", "list"), ("web",), ("sms", "--from", "081230000001", "KB")]
)
def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    done = run(*command, KABAR_VAR=str(taken))
    assert done.returncode == 1
    assert str(taken) in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_looks_at_the_rest_when_the_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = run("doctor", KABAR_VAR=str(tmp_path / "taken" / "var"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "PERIKSA  folder" in done.stdout
    assert "PERIKSA  channels" in done.stdout
    assert "to mend" in done.stderr


def test_the_doctor_and_the_web_server_name_a_form_or_channel_that_is_not_there(tmp_path: Path) -> None:
    here = {"KABAR_VAR": str(tmp_path)}
    assert "PERIKSA  KABAR_MAIN_FORM" in run("doctor", **here, KABAR_MAIN_FORM="zz").stdout
    done = run("web", **here, KABAR_CHANNELS="twilio")
    assert done.returncode == 2
    assert "KABAR_TWILIO_AUTH_TOKENS" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_was_held_is_read_once_its_sender_is_approved(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    district = District(make_runtime(database, tmp_path))
    held = district.keep("stranger", "KB 0925 BARU 3 AKTIF 21")
    district.keep("stranger", "DAFTAR Rina PMB Ani")
    district.handle()
    assert district.message(held).state == "held"
    environ = {"KABAR_VAR": str(tmp_path), "KABAR_DATABASE_URL": database_url, "KABAR_REDIS_URL": "redis://127.0.0.1:1"}
    listed = ask("reporters", "list", **environ)
    assert "DAFTAR Rina" in listed.stdout
    wrong = ask("reporters", "approve", "081230000099", "--name", "Rina", "--facility", "999999999", **environ)
    assert (wrong.returncode, "999999999" in wrong.stderr) == (1, True)
    done = ask("reporters", "approve", "081230000099", "--name", "Rina", "--facility", "140300101", **environ)
    assert done.returncode == 0, done.stderr
    district.handle()
    answer = district.answer(held)
    assert answer is not None
    assert answer.text.startswith("KB Sep 25 PMB Ani: BARU 3 AKTIF 21")
    with database.session(read_only=True) as session:
        assert registrations.waiting_registrations(session) == ()
        assert inbox.count_by_state(session) == {"done": 2}


def test_the_settings_of_a_test_are_not_those_of_whoever_runs_it() -> None:
    assert read_settings().port == 8000


def test_a_new_phone_takes_the_old_ones_place_and_both_are_told(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    district = District(make_runtime(database, tmp_path))
    district.say("stranger", "DAFTAR GANTI 081230000001")
    held = district.keep("stranger", "KB 0925 BARU 3 AKTIF 21")
    district.handle()
    environ = {"KABAR_VAR": str(tmp_path), "KABAR_DATABASE_URL": database_url, "KABAR_REDIS_URL": "redis://127.0.0.1:1"}
    assert PHONES["ani"] in ask("reporters", "list", **environ).stdout
    assert district.say("ani", "STATUS"), "until staff decide, the old phone is hers"
    assert ask("reporters", "approve", "081230000099", "--move", **environ).returncode == 0
    district.handle()
    answer = district.answer(held)
    assert answer is not None
    assert answer.text.startswith("KB Sep 25 PMB Ani: BARU 3 AKTIF 21")
    with database.session(read_only=True) as session:
        told = {message.recipient for message in outbox.latest_to(session) if message.kind in ("moved", "moved_away")}
    assert told == {PHONES["ani"], PHONES["stranger"]}
    late = district.keep("ani", "KB 0925 BARU 1 AKTIF 2")
    district.handle()
    assert district.message(late).state == "held", "the old phone is nobody's now"


def test_staff_put_back_what_waits_for_them_and_send_again_what_failed(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    district = District(make_runtime(database, tmp_path))
    chat = district.keep("ani", "Bu besok rapat jam 9 di puskesmas ya")
    district.handle()
    first = district.answer(chat)
    assert first is not None
    with database.session() as session:
        session.execute(outbox.outbox.update().values(state="unsure"))
        session.commit()
    environ = {"KABAR_VAR": str(tmp_path), "KABAR_DATABASE_URL": database_url, "KABAR_REDIS_URL": "redis://127.0.0.1:1"}
    listed = ask("messages", "list", **environ).stdout
    assert ("for_staff" in listed, "unsure" in listed) == (True, True)
    assert "kirim/sent 0, ditolak/refused 0" in listed
    assert ask("messages", "again", str(district.message(chat).id), **environ).returncode == 0
    assert ask("messages", "send", str(first.id), **environ).returncode == 0
    assert ask("messages", "send", str(first.id), **environ).returncode == 1, "it waits to be sent already"
    assert (district.handle(), district.message(chat).state, district.send()) == (1, "for_staff", 2)


def test_a_district_chooses_its_own_thresholds_and_a_slip_is_told(database_url: str, tmp_path: Path) -> None:
    environ = {"KABAR_VAR": str(tmp_path), "KABAR_DATABASE_URL": database_url}
    assert ask("thresholds", "set", "cap.suntik", "300", "--type", "pmb", "--area", "14.03", **environ).returncode == 0
    assert ask("thresholds", "list", **environ).stdout.split() == ["kb", "cap.suntik=300", "14.03", "PMB"]
    slip = ask("thresholds", "set", "cap.sntik", "300", **environ)
    assert (slip.returncode, "cap.suntik" in slip.stderr) == (1, True)
    assert ask("thresholds", "unset", "cap.suntik", "--type", "PMB", "--area", "14.03", **environ).returncode == 0
    assert ask("thresholds", "list", **environ).stdout == ""


def test_without_an_smpp_channel_its_process_says_so_and_ends_well(tmp_path: Path) -> None:
    done = run("smpp", KABAR_VAR=str(tmp_path))
    assert done.returncode == 0
    assert "Tidak ada saluran SMPP" in done.stderr
    assert "There is no SMPP channel" in done.stderr


def test_the_smpp_process_is_started_where_a_channel_needs_it_only(tmp_path: Path) -> None:
    for channels, wanted in (("simulator", False), ("op1=smpp", True)):
        chosen = Settings(var=tmp_path, channels=channels)
        assert ("smpp" in {one.name for one in cli.processes_of(chosen, {})}) is wanted
