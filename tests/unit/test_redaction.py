"""The one rule of what is not shown: passwords in URLs, and variables that are secret by their names."""

import json

import pytest

from harness.errors import UsageError
from harness.redaction import masked, masked_environment
from harness.scenario import load_scenario
from harness.scenario.redacted import check_nothing_hidden, without_secrets
from tests.kill_moments import ARM, SCENARIO


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://u:p%40ss@127.0.0.1:5432/db", "postgresql+psycopg://u:***@127.0.0.1:5432/db"),
        ('{"url": "http://u:p@ss:w@h/x", "to": "a@b"}', '{"url": "http://u:***@h/x", "to": "a@b"}'),
        ("http://127.0.0.1:8080/alerts", "http://127.0.0.1:8080/alerts"),
        ("amqp://:pw@host/", "amqp://:***@host/"),
        ("// a comment: write to me@example.org", "// a comment: write to me@example.org"),
    ],
)
def test_the_password_of_a_url_is_hidden_wherever_it_stands(text: str, shown: str) -> None:
    """Guarantees that host and user stay, for whoever looks for a fault; and that other text is left alone."""
    assert masked(text) == shown


def test_a_variable_is_secret_by_its_name() -> None:
    """Guarantees that keys and webhooks are hidden whole, passwords in URLs alone, and what is neither not at all."""
    env = {
        "GROQ_API_KEY": "gsk",
        "ALERT_WEBHOOK_URL": "https://hooks.example.org/T/B/x",
        "DATABASE_URL": "postgresql://u:pw@h/db",
        "LLM_MAX_TOKENS": "200",
        "MONKEY": "see",
        "UNSET_TOKEN": "",
    }
    assert masked_environment(env) == env | {
        "GROQ_API_KEY": "***",
        "ALERT_WEBHOOK_URL": "***",
        "DATABASE_URL": "postgresql://u:***@h/db",
    }


def test_a_scenario_is_recorded_without_its_secrets_and_is_not_played_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Guarantees that a worker of one's own is covered, nothing else is changed, and a lost secret is said (exit 2)."""
    folder = tmp_path_factory.mktemp("scenario")
    document = load_scenario(SCENARIO).model_dump(mode="json", by_alias=True)
    url = "redis://u:canary@h/0"
    worker = {"command": ["/bin/worker", f"--cache={url}"], "folder": str(folder), "env": {"CACHE": url}}
    document["arms"][ARM] |= {"worker": worker, "env": {"API_TOKEN": "canary"}, "expect": {"never_killed": {}}}
    path = folder / "own.json"
    path.write_text(json.dumps(document))
    scenario = load_scenario(path)

    path.write_text(without_secrets(scenario).model_dump_json(by_alias=True))

    assert "canary" not in path.read_text()
    kept = load_scenario(path).arms[ARM]
    assert kept.worker.command == ("/bin/worker", "--cache=redis://u:***@h/0")
    assert (kept.worker.env, kept.env) == ({"CACHE": "redis://u:***@h/0"}, {"API_TOKEN": "***"})
    assert without_secrets(load_scenario(SCENARIO)) == load_scenario(SCENARIO)
    check_nothing_hidden(scenario)
    with pytest.raises(UsageError, match=r"arms.fixed: API_TOKEN is '\*\*\*': .* put the value back"):
        check_nothing_hidden(load_scenario(path))
