"""Settings: where each value comes from, what is refused, and that no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import InvalidInput
from stockjobs.settings import Origin, Settings, is_secret, load, masked, variables


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a file of settings."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_with_nothing_given_every_value_is_its_default() -> None:
    settings, origins = load({})
    assert settings == Settings()
    assert set(origins.values()) == {Origin("default")}


def test_the_short_and_the_full_variable_are_read_and_the_full_one_wins() -> None:
    assert load({"LOG_LEVEL": "ERROR"})[0].log_level == "ERROR"
    settings, origins = load({"LOG_LEVEL": "ERROR", "STOCKJOBS_LOG_LEVEL": "DEBUG"})
    assert settings.log_level == "DEBUG"
    assert str(origins["log_level"]) == "environment STOCKJOBS_LOG_LEVEL"


def test_an_argument_wins_over_the_environment_and_that_over_the_file(empty_folder: Path) -> None:
    (empty_folder / "stockjobs.toml").write_text('lane_window = 10\nlease = 40\nlog_level = "ERROR"\n')
    settings, origins = load({"STOCKJOBS_LANE_WINDOW": "20", "STOCKJOBS_LEASE": "50"}, lease=60.0)
    assert (settings.lane_window, settings.lease, settings.log_level) == (20, 60.0, "ERROR")
    assert [origins[name].kind for name in ("lane_window", "lease", "log_level", "heartbeat")] == [
        "environment",
        "argument",
        "file",
        "default",
    ]


def test_an_argument_of_none_says_nothing() -> None:
    assert load({}, log_level=None)[0].log_level == "INFO"


def test_an_empty_variable_says_nothing() -> None:
    assert load({"LOG_LEVEL": "", "DATABASE_URL_FILE": ""})[0] == Settings()


def test_a_secret_is_read_from_the_file_that_is_named(empty_folder: Path) -> None:
    (empty_folder / "secret").write_text("postgresql://me:pw@db/x\n")
    settings, origins = load({"DATABASE_URL_FILE": str(empty_folder / "secret")})
    assert settings.database_url == "postgresql://me:pw@db/x"
    assert origins["database_url"].name == "DATABASE_URL_FILE"


def test_the_file_of_settings_may_be_anywhere(empty_folder: Path) -> None:
    (empty_folder / "other.toml").write_text('tickers = ["aapl", "MSFT"]\n')
    settings, origins = load({"STOCKJOBS_CONFIG": str(empty_folder / "other.toml")})
    assert settings.tickers == ("AAPL", "MSFT")
    assert origins["tickers"] == Origin("file", str(empty_folder / "other.toml"))


def test_tickers_are_a_list_with_commas_each_named_once() -> None:
    assert load({"TICKERS": " aapl, MSFT ,,AAPL "})[0].tickers == ("AAPL", "MSFT")


def test_intervals_are_a_list_too_and_a_period_is_one() -> None:
    settings, _ = load({"INTERVAL": "1d, 1h,1d", "PERIOD": "5y"})
    assert (settings.intervals, settings.period) == ((Interval.D1, Interval.H1), "P5Y")


def test_a_level_may_be_written_small() -> None:
    assert load({"LOG_LEVEL": "debug"})[0].log_level == "DEBUG"


def test_the_embedded_redis_of_the_state_folder_is_found(empty_folder: Path) -> None:
    (empty_folder / ".stockjobs").mkdir()
    (empty_folder / ".stockjobs" / "redis.sock").touch()
    settings, origins = load({})
    assert settings.redis_url == f"redis+socket://{empty_folder}/.stockjobs/redis.sock"
    assert origins["redis_url"].kind == "state folder"
    assert load({"REDIS_URL": "redis://elsewhere"})[0].redis_url == "redis://elsewhere"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"STOCKJOBS_LANE_WINDOW": "abc"}, r"STOCKJOBS_LANE_WINDOW \(lane_window\): .*valid integer"),
        ({"STOCKJOBS_LANE_WINDOW": "0"}, "greater than or equal to 1"),
        ({"STOCKJOBS_LANE_WINDOW": "1001"}, "less than or equal to 1000"),
        ({"STOCKJOBS_LANE_WINDOW": "9" * 5_000}, "lane_window"),
        ({"STOCKJOBS_RESEND_AFTER": "inf"}, "finite number"),
        ({"STOCKJOBS_RESEND_AFTER": "nan"}, "STOCKJOBS_RESEND_AFTER"),
        ({"STOCKJOBS_HISTORICAL_SHARE": "1"}, "less than or equal to 0.9"),
        ({"STOCKJOBS_PROVIDER_TIMEOUT": "0"}, "greater than 0"),
        ({"LOG_LEVEL": "loud"}, r"LOG_LEVEL \(log_level\): Input should be 'DEBUG', 'INFO'"),
        ({"TIME_ZONE": "localtime"}, r"TIME_ZONE \(time_zone\): 'localtime' is not a time zone"),
        ({"TICKERS": "AAPL,../x"}, r"TICKERS \(tickers\): .*is a path"),
        ({"INTERVAL": "1d,daily"}, r"INTERVAL \(intervals\): .*daily"),
        ({"PERIOD": "5 years"}, r"PERIOD \(period\): .*5 years"),
        ({"PERIOD": "6m"}, r"PERIOD \(period\): PT6M is shorter than a day"),
        ({"STOCKJOBS_NOPE": "1"}, r"STOCKJOBS_NOPE: is not a setting of stockjobs \(`stockctl config` lists them\)"),
        ({"STOCKJOBS_CONFIG": "/nowhere.toml"}, "/nowhere.toml: cannot be read: No such file"),
        ({"DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL_FILE: /nowhere cannot be read: No such file"),
    ],
)
def test_a_bad_setting_is_refused_with_its_variable(environment: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        load(environment)
    assert len(str(caught.value)) < 300


def test_all_bad_settings_are_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        load({"LOG_LEVEL": "loud", "STOCKJOBS_LEASE": "x", "TIME_ZONE": "EST"})
    assert [problem.where.split()[0] for problem in caught.value.problems] == [
        "LOG_LEVEL",
        "TIME_ZONE",
        "STOCKJOBS_LEASE",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"lane_window = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"lane_windw = 5", r"stockjobs.toml \(lane_windw\): is not a setting of stockjobs"),
        (b"lane_window = 'x'", r"stockjobs.toml \(lane_window\): .*valid integer"),
        (b"[tickers]\na = 1", "tickers"),
    ],
)
def test_a_bad_file_is_refused_with_its_name(empty_folder: Path, content: bytes, told: str) -> None:
    (empty_folder / "stockjobs.toml").write_bytes(content)
    with pytest.raises(InvalidInput, match=told):
        load({})


def test_a_secret_that_is_no_text_is_refused_without_showing_it(empty_folder: Path) -> None:
    (empty_folder / "secret").write_bytes(b"S3CR3T\xff\xfe")
    with pytest.raises(InvalidInput, match=r"cannot be read: it is not a text \(mount the secret") as caught:
        load({"DATABASE_URL_FILE": str(empty_folder / "secret")})
    assert "S3CR3T" not in str(caught.value)


def test_a_refusal_never_shows_a_password() -> None:
    secrets = {"DATABASE_URL": "postgresql://me:S3CR3T@db/x", "REDIS_URL": "redis://:S3CR3T@h"}
    with pytest.raises(InvalidInput) as caught:
        load({**secrets, "STOCKJOBS_LEASE": "x"})
    assert "S3CR3T" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pw@db/x", "postgresql://me:***@db/x"),
        ("postgresql://me:p@s/s:w@db/x", "postgresql://me:***@db/x"),
        ("postgresql://me:p w@db/x", "postgresql://me:***@db/x"),
        ("redis://:pw@h:6379/0", "redis://:***@h:6379/0"),
        ("redis://:p/@w@h:6379/0", "redis://:***@h:6379/0"),
        ("postgresql://db/x?user=me&password=pw", "postgresql://db/x?user=me&password=***"),
        ("me:pw@db/x", "***"),
        ("sqlite:///stockjobs.db", "sqlite:///stockjobs.db"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert Settings(database_url=url).shown("database_url") == shown


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    assert Settings().shown("lane_window") == 64
    assert [name for name in Settings.model_fields if is_secret(name)] == ["database_url", "redis_url"]


def test_every_setting_has_a_variable_and_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert variables(name)[0] == f"STOCKJOBS_{name.upper()}"
        assert field.description
        assert field.description.endswith(".")


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().lease = 5.0  # type: ignore[misc]


def test_options_of_providers_come_from_the_file_and_the_environment_goes_before(empty_folder: Path) -> None:
    (empty_folder / "stockjobs.toml").write_text('[providers.files]\nroot = "/bought"\nprices = "as-traded"\n')
    (empty_folder / "key").write_text("S3CR3T\n")
    settings, origins = load(
        {
            "STOCKJOBS_PROVIDERS_FILES_ROOT": "/other",
            "STOCKJOBS_PROVIDERS_ACME_API_KEY_FILE": str(empty_folder / "key"),
        }
    )
    assert settings.providers == {
        "files": {"root": "/other", "prices": "as-traded"},
        "acme": {"api_key": "S3CR3T"},
    }
    assert origins["providers"].kind == "environment"
    assert "S3CR3T" not in str(settings.shown("providers"))


@pytest.mark.parametrize("variable", ["STOCKJOBS_PROVIDERS", "STOCKJOBS_PROVIDERS_FILES"])
def test_a_variable_of_providers_without_an_option_is_refused(variable: str) -> None:
    with pytest.raises(InvalidInput, match="is not a setting"):
        load({variable: "x"})


def test_a_table_of_providers_that_is_none_is_refused(empty_folder: Path) -> None:
    (empty_folder / "stockjobs.toml").write_text('providers = "files"\n')
    with pytest.raises(InvalidInput, match="providers"):
        load({"STOCKJOBS_PROVIDERS_FILES_ROOT": "/other"})
