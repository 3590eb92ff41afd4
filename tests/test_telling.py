"""What a team is told: once, as much as any export says, bounded in time, and never the address it went to."""

import json
import os
import re
import subprocess
import sys
import time

import polars as pl
import pytest
from pydantic import SecretStr
from receivers import mail_server, self_signed, webhook
from test_headline import OPERATED, ROW

from flows import ROOT, incidents, ledger, telling, telling_services
from flows.errors import SettingsError
from flows.settings import load_settings

SECRET = "zqxsecret7319"
QUALITY = [
    {"code": "few_rows", "why": "Fewer rows than usual.", "severity": "warning", "status": "failed", "n_unexpected": 7, "n_total": 88},
    {"code": "held", "why": "Held.", "severity": "critical", "status": "passed", "n_unexpected": 0, "n_total": 88},
]


@pytest.fixture
def out(tmp_path):
    """A folder in which one result is shown: its ledger and as much of its exports as a message reads."""
    return shown(tmp_path / "out")


def shown(out, row=ROW, source="delivery", suppression="cms", **given):
    (out / "exports").mkdir(parents=True)
    (out / "current").mkdir()
    pl.DataFrame([row]).write_parquet(out / "exports" / "compliance.parquet")
    pl.DataFrame([{"reason": name, "n_cases": n} for name, n in OPERATED.items()]).write_parquet(out / "exports" / "case_attrition.parquet")
    (out / "current" / "manifest.json").write_text(json.dumps({"source": source}))
    published(out, "run1", row=row, source=source, suppression=suppression, **given)
    return out


def published(out, run_id, row=ROW, source="delivery", suppression="cms", as_of="2025-06-30", **given):
    settings = {"suppression": suppression, "data_from": "2018-01-01"}
    entry = {"event": "published", "run_id": run_id, "source": source, "as_of": as_of, "settings": settings, "headline": row}
    ledger.append(out, {**entry, "quality": QUALITY, **given})


def settings_for(out, *urls, **notify):
    """As loaded from a file that stands beside the delivery."""
    return load_settings(extracts=out.with_name("extracts"), out=out, deid_mode="limited_data_set", notify={"urls": [*urls], **notify})


def posts(server):
    return f"json://127.0.0.1:{server.port}/{SECRET}"


def mails(server):
    return f"mailto://127.0.0.1:{server.port}/?from=audit@example.org&to=team@example.org"


def everything(out):
    return "".join(path.read_text(errors="replace") for path in sorted(out.rglob("*")) if path.is_file() and path.suffix in (".json", ".jsonl"))


# What is said


def test_a_message_says_the_result_the_signals_the_warnings_and_where_the_report_is(out):
    telling.record_published(out)
    incidents.record(out, "signal", "s", "The rate of the last eight months lies below the centre line.")
    incidents.record(out, "refused", "2025-07", "The delivery 2025-07 is not whole.")
    settings = settings_for(out, report="https://quality.example.org/report.html")
    subject, body = telling.message(settings, incidents.untold(out))
    assert subject == "imaging-order-audit: 93.8 % (95 % CI 91.0–95.8); 1 new signal; 1 delivery refused"
    today = incidents.recorded(out)[0]["recorded_at"][:10]
    assert body == (
        "New result:\n\n"
        "First imaging orders after neoadjuvant therapy, episodes: 93.8 % usually appropriate (95 % CI 91.0–95.8; "
        "bounds 88.1–94.2; 378 of 403 rated; 26 more unrated or indeterminate).\n\n"
        f"New signals on the charts:\n\n- {today}: The rate of the last eight months lies below the centre line.\n\n"
        f"Deliveries that were not accepted:\n\n- {today}: The delivery 2025-07 is not whole.\n\n"
        "Quality checks that did not hold, none of them critical:\n\n- few_rows: Fewer rows than usual.\n\n"
        "- Report: https://quality.example.org/report.html\n- Period: 2018-01-01 to 2025-06-30\n- Run: run1\n\n"
        "Counts are masked as in every export. Whom this is sent to, and of what: [notify] in the settings.\n"
    )


def test_a_failure_is_told_beside_the_result_that_stands(out):
    incidents.record(out, "failed", "f", "An audit failed: a critical quality check does not hold (exit code 8).")
    subject, body = telling.message(settings_for(out), incidents.untold(out))
    assert subject == "imaging-order-audit: 1 audit failed"
    assert body.startswith("The result published last, which stands:\n\nFirst imaging orders")
    assert "Quality checks" not in body
    assert "report.html in the folder out\n" in body
    assert str(out.parent) not in body


@pytest.mark.parametrize(("row", "said"), [
    ({"rate": None, "ci_low": None, "ci_high": None, "rate_band": "90_to_95"}, "90 to 95 %"),
    ({"n_index": None, "rate": None}, "too few to show"),
    ({"is_rounded": True, "rate": 0.94}, "≈ 94 % (95 % CI"),
    ({"rate": None, "is_withheld": True}, "withheld"),
])  # fmt: skip
def test_the_subject_says_no_more_than_the_released_row(tmp_path, row, said):
    out = shown(tmp_path / "out", row=ROW | row)
    telling.record_published(out)
    assert telling.message(settings_for(out), incidents.untold(out))[0].startswith(f"imaging-order-audit: {said}")


@pytest.mark.parametrize("suppression", ["cms", "none"])
def test_what_is_not_masked_is_not_sent_unless_it_is_made_up(tmp_path, suppression):
    row = ROW | {"n_index": 9, "n_appropriate": 7, "n_not_appropriate": 2, "n_mixed": 0, "n_may_be": 0, "rate": 7 / 9, "rate_band": None}
    real = shown(tmp_path / "real", row=row, suppression="none")
    telling.record_published(real)
    subject, body = telling.message(settings_for(real), incidents.untold(real))
    assert (subject, telling.UNMASKED in body) == ("imaging-order-audit: a new result", True)
    assert not re.search(r"77|7 of 9", subject + body)
    made_up = shown(tmp_path / "made-up", row=row, source="demo (synthetic)", suppression=suppression)
    telling.record_published(made_up)
    subject, body = telling.message(settings_for(made_up), incidents.untold(made_up))
    assert subject.startswith("SYNTHETIC: imaging-order-audit: 77.8 %")
    assert body.count("SYNTHETIC DATA") == 1


def test_a_folder_without_any_result_says_so(tmp_path):
    incidents.record(tmp_path, "failed", "f", "An audit failed.")
    assert "No result is published yet." in telling.message(settings_for(tmp_path), incidents.untold(tmp_path))[1]


def test_a_result_that_was_taken_away_hides_no_failure(out):
    (out / "exports" / "compliance.parquet").unlink()
    incidents.record(out, "failed", "f", "An audit failed.")
    body = telling.message(settings_for(out), incidents.untold(out))[1]
    assert "Its tables cannot be read (FileNotFoundError)." in body
    assert "An audit failed." in body


def test_a_long_silence_is_told_in_a_short_message(out):
    for number in range(50):
        incidents.record(out, "warning", str(number), f"Warning {number}.")
    body = telling.message(settings_for(out), incidents.untold(out))[1]
    assert [number for number in range(50) if f"Warning {number}." in body] == [*range(30, 50)]
    assert "- and 30 earlier" in body


def test_a_result_of_a_past_day_is_no_news(out):
    telling.record_published(out)
    published(out, "run0", as_of="2025-05-31", is_shown=False)
    telling.record_published(out)
    assert [entry["key"] for entry in incidents.recorded(out)] == ["run1"]
    assert telling.shown(out) == {"run_id": "run1", "as_of": "2025-06-30"}


# Sending


def test_news_is_told_once_over_http(out):
    telling.record_published(out)
    with webhook() as server:
        settings = settings_for(out, posts(server))
        assert telling.count_untold(settings) == 1
        assert telling.tell(settings)
        assert not telling.tell(settings)
        incidents.record(out, "signal", "s", "A point lies outside the limits.")
        assert telling.tell(settings)
        assert telling.count_untold(settings) == 0
    first, second = server.received
    assert first["title"] == "imaging-order-audit: 93.8 % (95 % CI 91.0–95.8)"
    assert "First imaging orders after neoadjuvant therapy, episodes: 93.8 %" in first["message"]
    assert "A point lies outside the limits." in second["message"]
    assert second["message"].startswith("The result published last, which stands:")
    assert SECRET not in everything(out)


def test_a_mail_is_a_plain_text(out):
    telling.record_published(out)
    incidents.record(out, "warning", "w", "The site north sent nothing since May; 5 < 6.")
    with mail_server() as server:
        assert telling.tell(settings_for(out, mails(server)))
    (mail,) = server.received
    assert mail["Subject"] == "imaging-order-audit: 93.8 % (95 % CI 91.0–95.8); 1 warning"
    assert mail["To"] == "team@example.org"
    assert "apprise" not in str(mail["From"]).lower()
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    for said in ("93.8 % usually appropriate (95 % CI 91.0–95.8", "- Run: run1", "The site north sent nothing since May; 5 < 6."):
        assert said in text
    assert "\xa0" not in text


def test_a_teams_workflow_gets_a_card(out, tmp_path):
    incidents.record(out, "signal", "s", "A point lies outside the limits.")
    with webhook(certificate=self_signed(tmp_path / "certificate")) as server:
        assert telling.tell(settings_for(out, f"workflows://127.0.0.1:{server.port}/workflow/{SECRET}/?verify=no&image=no"))
    card = json.dumps(server.received[0], ensure_ascii=False)
    assert "AdaptiveCard" in card
    assert "A point lies outside the limits." in card


def test_only_what_is_asked_for_is_told(out):
    telling.record_published(out)
    incidents.record(out, "failed", "f", "An audit failed.")
    incidents.record(out, "refused", "r", "Refused.")
    with webhook() as server:
        assert telling.tell(settings_for(out, posts(server), about=["failed"]))
        assert not telling.tell(settings_for(out, posts(server), about=["signal"]))
        assert telling.tell(settings_for(out, posts(server), about=["warning"]))
    assert "Refused." not in server.received[0]["message"]
    assert "Refused." in server.received[1]["message"]
    assert [entry["kind"] for entry in incidents.untold(out)] == ["published"]


def test_without_an_address_nothing_is_sent_and_apprise_is_not_even_imported(out):
    telling.record_published(out)
    code = (
        "import sys; from pathlib import Path; from flows import telling; from flows.settings import load_settings\n"
        "out = Path(sys.argv[1]); settings = load_settings(extracts=out.with_name('extracts'), out=out, deid_mode='limited_data_set')\n"
        "print(telling.tell(settings), telling.count_untold(settings), 'apprise' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code, out], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "None", "False"]
    assert len(incidents.untold(out)) == 1


# When it fails


def test_a_receiver_that_fails_is_a_warning_and_is_tried_again(out, caplog, capfd):
    incidents.record(out, "signal", "s", "A point lies outside the limits.")
    with webhook(status=500) as server, mail_server(status=500) as post:
        settings = settings_for(out, posts(server), mails(post))
        assert not telling.tell(settings)
        assert telling.count_untold(settings) == 1
        assert [record.getMessage() for record in caplog.records] == [
            "The message was not accepted by JSON, E-Mail; the next audit tries again"
        ]
        server.status = 200
        assert telling.tell(settings)
        assert not telling.tell(settings)
    assert len(server.received) == 2
    assert caplog.records[1].getMessage() == "The message was not accepted by E-Mail; the others did"
    said = caplog.text + "".join(capfd.readouterr()) + everything(out)
    assert not re.search(rf"{SECRET}|127\.0\.0\.1|example\.org|{server.port}", said)


def test_nobody_there_is_a_warning(out, caplog):
    incidents.record(out, "signal", "s", "A point lies outside the limits.")
    with webhook() as server:
        settings = settings_for(out, posts(server))
    assert not telling.tell(settings)
    assert "not accepted by JSON" in caplog.text
    assert telling.count_untold(settings) == 1


def test_a_receiver_that_hangs_holds_nobody_up(out, monkeypatch, caplog):
    monkeypatch.setattr(telling_services, "SECONDS", 0.5)
    incidents.record(out, "signal", "s", "A point lies outside the limits.")
    with webhook(hangs=True) as server, webhook() as other:
        started = time.monotonic()
        assert telling.tell(settings_for(out, posts(server), posts(other)))
        assert time.monotonic() - started < 5
        assert len(server.received) == len(other.received) == 1
    assert "not accepted by JSON; the others did" in caplog.text


def test_a_program_ends_although_a_receiver_hangs(out):
    """The thread that still waits is not waited for."""
    code = "import sys; from pydantic import SecretStr; from flows.telling_services import send; print(send([SecretStr(sys.argv[1])], 'a', 'b', 0.5))"
    with webhook(hangs=True) as server:
        told = subprocess.run([sys.executable, "-c", code, posts(server)], cwd=ROOT, capture_output=True, text=True, timeout=15)
    assert (told.returncode, told.stdout, told.stderr) == (0, "[('JSON', False)]\n", "")


def test_a_certificate_that_nobody_vouches_for_gets_no_message(out, tmp_path):
    incidents.record(out, "signal", "s", "A point lies outside the limits.")
    with webhook(certificate=self_signed(tmp_path / "certificate")) as server:
        address = posts(server).replace("json:", "jsons:")
        assert not telling.tell(settings_for(out, address))
        assert server.received == []
        assert telling.tell(settings_for(out, f"{address}?verify=no"))


def test_two_that_end_at_once_tell_once(out):
    incidents.record(out, "signal", "s", "A point lies outside the limits.")
    code = (
        "import sys; from pathlib import Path; from flows import telling; from flows.settings import load_settings\n"
        "out = Path(sys.argv[1])\n"
        "telling.tell(load_settings(extracts=out.with_name('extracts'), out=out, deid_mode='limited_data_set', notify={'urls': [sys.argv[2]]}))"
    )
    with webhook() as server:
        both = [subprocess.Popen([sys.executable, "-c", code, out, posts(server)], cwd=ROOT) for _ in range(2)]
        assert [each.wait(60) for each in both] == [0, 0]
    assert len(server.received) == 1


def test_a_kill_before_it_is_remembered_repeats_the_message_and_loses_none(out, monkeypatch):
    incidents.record(out, "signal", "s", "A point lies outside the limits.")

    def killed(*_):
        raise KeyboardInterrupt

    with webhook() as server:
        settings = settings_for(out, posts(server))
        with monkeypatch.context() as patch:
            patch.setattr(incidents, "tell", killed)
            with pytest.raises(KeyboardInterrupt):
                telling.tell(settings)
        assert telling.tell(settings)
        assert not telling.tell(settings)
    assert len(server.received) == 2


# Addresses


@pytest.mark.parametrize("url", [f"nonsense://{SECRET}", SECRET, "", f"mailto://{SECRET}:{SECRET}", f"workflows://host/{SECRET}"])
def test_an_address_that_apprise_does_not_understand_is_refused_unspoken(tmp_path, url, capfd, caplog):
    with pytest.raises(SettingsError, match=r"'notify\.urls': address 2 is none that Apprise understands") as error:
        settings_for(tmp_path, "json://127.0.0.1/", url)
    assert SECRET not in str(error.value) + caplog.text + "".join(capfd.readouterr())


def test_a_variable_that_is_no_json_is_refused_unspoken(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", f"json://{SECRET}")
    given = {"extracts": tmp_path, "out": tmp_path, "deid_mode": "limited_data_set"}
    with pytest.raises(SettingsError, match="environment.*written as JSON") as error:
        load_settings(**given)
    assert SECRET not in str(error.value)
    monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", f'["json://{SECRET}"]')
    settings = load_settings(**given)
    assert settings.notify.urls[0].get_secret_value() == f"json://{SECRET}"
    assert SECRET not in f"{settings} {settings!r} {settings.content()}"


DOCUMENTED = re.findall(r"`((?:mailtos?|workflows|slack|jsons?)://[^`…]+/[^`…]*)`", (ROOT / "docs" / "telling.md").read_text(encoding="utf-8"))
NATIVE = (
    "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "https://example.westeurope.logic.azure.com:443/workflows/0a1b2c3d4e/triggers/manual/paths/invoke?api-version=2016-06-01&sp=a&sv=1.0&sig=abcDEF",
)


@pytest.mark.parametrize("url", [*DOCUMENTED, *NATIVE])
def test_the_addresses_of_the_page_are_understood_and_lead_where_it_says(url):
    url = url.replace("slack://A/B/C", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    service = telling_services._service(SecretStr(url))
    kinds = {"mailto": "E-Mail", "workflows": "Power Automate", "https://example": "Power Automate", "slack": "Slack", "https://hooks": "Slack", "jsons": "JSON"}
    assert telling_services._kind(service).startswith(next(kind for begins, kind in kinds.items() if url.startswith(begins)))
    assert service.verify_certificate
    assert getattr(service, "secure_mode", None) != "insecure" or url.startswith("mailto:")
    if url.startswith("mailtos:"):
        assert (service.smtp_host, service.port, service.secure_mode) == ("smtp.example.org", 587, "starttls")


def test_the_page_documents_addresses():
    assert len(DOCUMENTED) == 5


# The command


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "audit.toml"
    path.write_text('extracts = "."\nout = "out"\ndeid_mode = "limited_data_set"\n')
    return path


def test_a_test_message_says_who_took_it(command, config, out, monkeypatch):
    with webhook() as server, mail_server(status=500) as post:
        monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", json.dumps([posts(server)]))
        assert command("tell", "--config", config, "--test") == (0, "JSON: accepted\n", "")
        monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", json.dumps([posts(server), mails(post)]))
        code, said, talk = command("tell", "--config", config, "--test")
    assert (code, said) == (12, "JSON: accepted\nE-Mail: not accepted\n")
    assert "not accepted by E-Mail" in talk
    assert not re.search(f"{SECRET}|example.org|{post.port}", talk)
    assert {each["title"] for each in server.received} == {"imaging-order-audit: test message"}
    assert incidents.recorded(out) == []


def test_what_was_not_told_can_be_told_by_hand(command, config, out, monkeypatch):
    assert command("tell", "--config", config)[0] == 3
    telling.record_published(out)
    with webhook(status=500) as server:
        monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", json.dumps([posts(server)]))
        assert command("tell", "--config", config)[:2] == (12, "Nothing was told.\n")
        server.status = 200
        assert command("tell", "--config", config)[:2] == (0, "1 incident(s) told.\n")
        assert command("tell", "--config", config)[:2] == (0, "Nothing was told.\n")
    assert os.listdir(out / "logs") == [".telling"]
