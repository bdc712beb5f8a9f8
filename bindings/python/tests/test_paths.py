"""The path that was decided is the path that the function gets."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from enforcecore import ToolDeniedError, enforce, session

FILES = """
tools:
  write: {does: writes, args: {path: path}, returns: trusted}
  read: {does: reads, args: {path: path}, returns: trusted}
  remove: {does: deletes, args: {path: path}, returns: trusted}
  record: {does: reads, args: {path: {type: path, resolve: parent}}, returns: trusted}
  page:
    does: writes
    args: {path: {type: path, resolve: lexical, base: BASE, send: relative}}
    returns: trusted
rules:
  - {allow: [write, read, remove, record], id: inside, when: {path: {under: session.workspace}}}
  - {allow: page, id: pages, when: {path: {under: session.workspace}}}
"""


@pytest.fixture
def place(world, monkeypatch):
    """A workspace that the process is in, and a folder outside it."""
    world.work, world.out = world.folder / "work", world.folder / "out"
    for folder in (world.work, world.out, world.work / "root"):
        folder.mkdir()
    monkeypatch.chdir(world.work)
    world.files = world.enforcer(FILES.replace("BASE", str(world.work / "root")))
    return world


def test_the_function_may_work_in_any_folder(place):
    """It opens the path from a folder of its own, which another thread or the function itself has chosen."""

    @enforce(enforcer=place.files)
    def write(path: str) -> None:
        os.chdir(place.out)
        Path(path).write_text("mine")
        (place.out / path).write_text("mine")

    with session(workspace=place.work):
        write("a.txt")
    assert (place.work / "a.txt").read_text() == "mine"
    assert list(place.out.iterdir()) == []


def test_a_folder_that_the_process_leaves_is_the_one_that_was_decided(place):
    landed = []

    @enforce(enforcer=place.files)
    def write(path: str) -> None:
        landed.append(path)

    stop = threading.Event()

    def wander() -> None:
        while not stop.is_set():
            os.chdir(place.out)
            os.chdir(place.work)

    wandering = threading.Thread(target=wander)
    wandering.start()
    refused = 0
    with session(workspace=place.work):
        for _ in range(200):
            try:
                write("a.txt")
            except ToolDeniedError:
                refused += 1
    stop.set()
    wandering.join()
    # Each call was decided in one of the two folders, and none opens the other.
    assert landed.count(str(place.work / "a.txt")) == len(landed) == 200 - refused


@pytest.mark.parametrize("asked", ["/notes/a.md", "notes/a.md", "/notes/../notes/./a.md"])
def test_a_function_with_a_root_of_its_own_gets_a_path_below_it(place, asked):
    """Such a function takes `/` for its root, so an absolute path would land at the wrong place below it."""

    @enforce(enforcer=place.files)
    def page(path: str) -> None:
        target = place.work / "root" / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("mine")

    with session(workspace=place.work):
        page(asked)
        with pytest.raises(ToolDeniedError) as refused:
            page("/../a.md")
    assert refused.value.code == "path_form"
    files = [path for path in place.work.rglob("*") if path.is_file()]
    assert files == [place.work / "root/notes/a.md"]


def test_a_link_is_removed_and_what_it_leads_to_stays(place):
    """What acts on a name gets the name; both the name and what it leads to have to be allowed."""
    target, link, way_out = place.work / "target", place.work / "link", place.work / "way-out"
    target.write_text("kept")
    (place.out / "file").write_text("kept")
    link.symlink_to(target)
    way_out.symlink_to(place.out / "file")
    given = []
    remove = enforce(enforcer=place.files, tool_name="remove")(lambda path: Path(path).unlink())
    record = enforce(enforcer=place.files, tool_name="record")(lambda path: given.append(path))
    read = enforce(enforcer=place.files, tool_name="read")(lambda path: given.append(path))
    with session(workspace=place.work):
        record("link")
        read("link")
        remove(str(link))
        with pytest.raises(ToolDeniedError) as refused:
            remove("way-out")
    assert given == [str(link), str(target)]
    assert (target.read_text(), link.is_symlink()) == ("kept", False)
    assert (refused.value.code, way_out.is_symlink()) == ("no_rule", True)


def test_a_link_that_is_exchanged_before_the_function_is_called_is_seen(place):
    """A handler of the log runs between the decision and the function, and exchanges the folder."""
    import logging

    (place.work / "folder").mkdir()
    opened = []

    @enforce(enforcer=place.files)
    def write(path: str) -> None:
        opened.append(path)

    class Exchange(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "call admitted" and not (place.work / "folder").is_symlink():
                (place.work / "folder").rename(place.work / "old")
                (place.work / "folder").symlink_to(place.out)

    logger, handler = logging.getLogger("enforcecore"), Exchange()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with session(workspace=place.work), pytest.raises(ToolDeniedError) as refused:
            write("folder/a.txt")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert (refused.value.code, opened) == ("path_changed", [])
    with session(workspace=place.work):
        write("old/a.txt")
    assert opened == [str(place.work / "old/a.txt")]
