"""What is not given comes from the configuration; a mistake in it protects no function, so none runs."""

from __future__ import annotations

import logging
import os
import pickle
from pathlib import Path

import enforcecore
import pytest
from enforcecore import ConfigurationError, EnforceCoreError, Enforcer, PolicyLoadError, ToolDeniedError, enforce

GOOD = 'policy = "policy.yaml"\nlog = "log"\nkeys = "keys"\n'
STRICT = """
tools: {send: {does: sends, args: {to: email}, returns: trusted}}
rules: []
"""


@pytest.fixture
def project(world, monkeypatch):
    """A project with a policy and a configuration that names it, seen from a folder inside."""
    world.policy()
    write(world, GOOD)
    (world.folder / "deep").mkdir()
    monkeypatch.chdir(world.folder / "deep")
    return world


def write(world, text: str, name: str = "enforcecore.toml") -> Path:
    file = world.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def send(world, **options) -> Path:
    """Decorates a function and calls it, and returns the file that it writes."""
    effect = world.folder / "effect"
    effect.unlink(missing_ok=True)
    enforce(tool_name="send", **options)(lambda to: effect.write_text(to) and None)("jo@example.com")
    return effect


def refused(world, **options) -> ConfigurationError:
    """Why no function is decorated. Nothing ran, and no log was begun."""
    with pytest.raises(ConfigurationError) as error:
        send(world, **options)
    assert not (world.folder / "effect").exists()
    return error.value


def test_a_project_says_which_policy_and_where_the_evidence_goes(project, caplog):
    caplog.set_level(logging.INFO, "enforcecore")
    assert send(project).read_text() == "jo@example.com"
    assert [entry["kind"] for entry in project.entries()][-2:] == ["intent", "outcome"]
    assert (project.folder / "keys").is_dir()
    assert not Path(".enforcecore").exists()
    said = f"the policy `{project.folder}/policy.yaml` is enforced, as {project.folder}/enforcecore.toml:1 says"
    assert said in caplog.messages
    with pytest.raises(ToolDeniedError):
        Enforcer().enforce_sync("send", {"to": "jo@example.org"}, pytest.fail)


def test_a_variable_lies_over_the_file_and_an_argument_over_both(project, monkeypatch, caplog):
    strict = project.folder / "strict.yaml"
    strict.write_text('enforcecore: 1\nname: strict\nversion: "1"\n' + STRICT)
    monkeypatch.setenv("ENFORCECORE_DEFAULT_POLICY", "../strict.yaml")
    monkeypatch.setenv("ENFORCECORE_AUDIT_PATH", "variable-log")
    with pytest.raises(ToolDeniedError) as denied:
        send(project)
    assert denied.value.policy_name == "strict"
    assert Path("variable-log/log.jsonl").exists()
    caplog.set_level(logging.INFO, "enforcecore")
    assert send(project, policy="../policy.yaml", log="argument-log").exists()
    assert Path("argument-log/log.jsonl").exists()
    assert not project.log.exists()
    assert not any("says" in message for message in caplog.messages)
    # An argument counts also where it is the stricter one.
    monkeypatch.setenv("ENFORCECORE_DEFAULT_POLICY", "../policy.yaml")
    assert send(project).exists()
    with pytest.raises(ToolDeniedError):
        send(project, policy=strict)


def test_the_anchor_and_the_durability_are_read_too(project):
    write(project, GOOD + 'anchor = "anchor"\ndurability = "buffered"\n')
    assert send(project).exists()
    assert (project.folder / "anchor").is_dir()
    with (project.folder / "policy.yaml").open("a") as policy:
        policy.write("budgets: [{budget: send, id: b, count: calls, at_most: 9, per: ever, for_each: everyone}]\n")
    with pytest.raises(PolicyLoadError, match="strict"):
        send(project)
    assert send(project, durability="strict").exists()


def test_a_project_takes_no_protection_away_from_its_user(project, monkeypatch):
    (project.folder / "mine").mkdir()
    mine = project.folder / "mine/policy.yaml"
    mine.write_text('enforcecore: 1\nname: mine\nversion: "1"\n' + STRICT)
    user = write(project, 'policy = "../../mine/policy.yaml"\n', "nobody/enforcecore/enforcecore.toml")
    for options in ({}, {"log": "log"}):
        error = refused(project, **options)
        assert [(one.file, one.line, one.code) for one in error.diagnostics] == [
            (str(project.folder / "enforcecore.toml"), 1, "EC1007")
        ]
        assert f"{user}:1" in str(error)
    assert not project.log.exists()
    # Each twin differs in who settles it: the program, the variable, the user.
    with pytest.raises(ToolDeniedError):
        send(project, policy=mine)
    assert send(project, policy="../policy.yaml").exists()
    with monkeypatch.context() as variables:
        variables.setenv("ENFORCECORE_DEFAULT_POLICY", "../policy.yaml")
        assert send(project).exists()
    user.write_text(user.read_text() + f'trusted_projects = ["{project.folder}"]\n')
    assert send(project).exists()


def test_what_buffers_by_its_configuration_is_written_at_the_end(project):
    write(project, GOOD + 'durability = "buffered"\n')
    enforcer = Enforcer()
    assert enforcer in enforcecore._enforcer._UNWRITTEN
    assert Enforcer(durability="strict") not in enforcecore._enforcer._UNWRITTEN


def test_no_policy_is_configured(project):
    write(project, 'log = "log"\n')
    error = refused(project)
    for way in ("give `policy`", "ENFORCECORE_DEFAULT_POLICY", 'policy = "policy.yaml"', "enforcecore.toml"):
        assert way in str(error)
    assert send(project, policy="../policy.yaml").exists()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ('polcy = "policy.yaml"\n', "EC1002"),
        ("policy =\n", "EC1001"),
        ('durability = "fast"\n', "EC1003"),
        ("anchor = 1\n", "EC1003"),
    ],
)
def test_a_mistake_in_the_file_protects_nothing_and_is_named(project, wrong, code):
    file = write(project, GOOD + wrong)
    for options in ({}, {"policy": "../policy.yaml", "log": project.log, "keys": project.folder / "keys"}):
        error = refused(project, **options)
        assert f"{file}:4:" in str(error)
        assert [(one.file, one.line, one.code) for one in error.diagnostics] == [(str(file), 4, code)]
        assert pickle.loads(pickle.dumps(error)).diagnostics == error.diagnostics
        assert isinstance(error, EnforceCoreError)
    assert not project.log.exists()
    write(project, GOOD)
    assert send(project).exists()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("ENFORCECORE_LOGLEVEL", "info", "EC1004"),
        ("ENFORCECORE_FAIL_OPEN", "true", "EC1006"),
        ("ENFORCECORE_DURABILITY", "fast", "EC1003"),
        ("ENFORCECORE_AUDIT_PATH", "", "EC1003"),
    ],
)
def test_an_unknown_variable_protects_nothing(project, monkeypatch, name, value, code):
    monkeypatch.setenv(name, value)
    error = refused(project)
    assert [(one.file, one.code) for one in error.diagnostics] == [(name, code)]
    monkeypatch.delenv(name)
    assert send(project).exists()


def test_a_file_that_cannot_be_read_protects_nothing(project):
    file = project.folder / "enforcecore.toml"

    def unreadable(make, code="EC1000") -> None:
        file.unlink()
        make()
        assert [one.code for one in refused(project).diagnostics] == [code]
        file.rmdir() if file.is_dir() else file.unlink()
        file.write_text(GOOD)
        assert send(project).exists()

    unreadable(file.mkdir)
    unreadable(lambda: os.mkfifo(file))
    unreadable(lambda: file.symlink_to("nowhere"), "EC1005")
    unreadable(lambda: file.write_bytes(b"\xff"))
    unreadable(lambda: file.write_text("#" * (64 * 1024 + 1)))


def test_a_projects_file_that_others_can_write_decides_nothing(project):
    file = project.folder / "enforcecore.toml"
    file.chmod(0o666)
    error = refused(project)
    assert [one.code for one in error.diagnostics] == ["EC1005"]
    assert "may be written by every user" in str(error)
    assert "may be written by every user" in str(refused(project, config=file)), "who names it does not mean all others"
    file.chmod(0o644)
    assert send(project).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_projects_file_of_another_user_decides_nothing(project):
    file = project.folder / "enforcecore.toml"
    os.chown(file, 12345, -1)
    assert "belongs to another user" in str(refused(project))
    assert "belongs to another user" in str(refused(project, policy="../policy.yaml"))
    assert send(project, config=file).exists(), "who names the file means it"
    os.chown(file, 0, -1)
    assert send(project).exists()


def test_a_named_file_is_read_in_place_of_those_that_are_found(project):
    write(project, "this is no configuration")
    named = write(project, 'policy = "../policy.yaml"\nlog = "log"\n', "etc/named.toml")
    assert send(project, config=named).exists()
    assert (project.folder / "etc/log/log.jsonl").exists()
    assert [one.code for one in refused(project, config="missing.toml").diagnostics] == ["EC1000"]
    with pytest.raises(TypeError, match="already"):
        enforce(enforcer=Enforcer(config=named), config=named)


def test_a_child_of_fork_keeps_the_configuration_it_was_made_with(project):
    effect = project.folder / "effect"
    protected = enforce(tool_name="send")(lambda to: effect.write_text(to) and None)
    write(project, "this is no configuration")
    os.chdir("/")
    child = os.fork()
    if child == 0:
        protected("child@example.com")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert effect.read_text() == "child@example.com"
    assert [entry["kind"] for entry in project.entries()].count("outcome") == 1
