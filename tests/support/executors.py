"""Ways to run hashing tasks in tests."""

from fastphash.ingest.options import IngestOptions
from fastphash.ingest.pool import recipe_of
from fastphash.ingest.worker import Hasher
from fastphash.sources.container_source import list_container

ONE_WORKER = IngestOptions(workers=1)


class InProcess:
    """An executor that hashes in this process; `tasks` keeps what it was given."""

    def __init__(self, options):
        self.hasher = Hasher(recipe_of(options))
        self.tasks = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, tasks):
        for task in tasks:
            self.tasks.append(task)
            yield self.hasher.hash_files(task.reader, task.paths, task.known)

    def list(self, tasks):
        return (list_container(*task) for task in tasks)
