"""The run folder: which processes belong to which lab. A lab is alive as long as its keeper is."""

import contextlib
import fcntl
import json
import os
import re
import shutil

from .kernel import LabError, Process

RUN = "/run/postern-lab"
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}\Z")


def check_name(name):
    if not NAME.match(name):
        raise LabError(f"'{name}' cannot name a lab: use up to 31 lower-case letters, digits and '-', a letter first.")
    return name


class Folder:
    """The state of one lab on disk. Every change happens under its lock."""

    def __init__(self, name):
        self.name = check_name(name)
        self.path = os.path.join(RUN, name)
        self.lock_path = os.path.join(RUN, f".{name}.lock")

    def file(self, name):
        return os.path.join(self.path, name)

    @contextlib.contextmanager
    def lock(self):
        """The lock lies beside the folder, not in it, so that it holds while the folder comes and goes."""
        while True:
            os.makedirs(RUN, mode=0o755, exist_ok=True)
            try:
                fd = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:
                continue  # somebody removed the empty RUN in between
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                same = os.stat(self.lock_path).st_ino == os.fstat(fd).st_ino
            except FileNotFoundError:
                same = False
            if same:
                break
            os.close(fd)
        try:
            yield
        finally:
            if not os.path.isdir(self.path):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.lock_path)
                with contextlib.suppress(OSError):
                    os.rmdir(RUN)
            os.close(fd)

    def load(self):
        """The state, or None when there is no such lab."""
        try:
            with open(self.file("state.json"), encoding="utf-8") as source:
                return json.load(source)
        except FileNotFoundError:
            return None

    def save(self, state):
        temporary = self.file("state.json.new")
        with open(temporary, "w", encoding="utf-8") as target:
            json.dump(state, target, indent=1)
        os.rename(temporary, self.file("state.json"))

    def keeper(self):
        state = self.load()
        return Process.load(state["keeper"]) if state else None

    def alive(self):
        keeper = self.keeper()
        return keeper is not None and keeper.alive()

    def make(self):
        os.makedirs(RUN, mode=0o755, exist_ok=True)
        os.mkdir(self.path, 0o755)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def names():
    """Every lab with a folder, alive or left by a keeper that was killed."""
    try:
        return sorted(entry for entry in os.listdir(RUN) if NAME.match(entry))
    except FileNotFoundError:
        return []
