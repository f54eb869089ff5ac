"""Decoders that crash, hang and eat memory; workers
import this, so that it imports little."""

import dataclasses
import os
import signal
import time

from fastphash.ingest import worker
from fastphash.ingest.worker import Recipe


class DeadlyRecipe(Recipe):
    """A recipe that makes the worker which unpacks it die of images that contain DEADLY."""

    def __reduce__(self):
        return _arm, tuple(getattr(self, field.name) for field in dataclasses.fields(self))


DEADLY = b"a decoder that crashes"
ENDLESS = b"a decoder that hangs"
HUNGRY = b"a decoder that eats memory"


def _arm(*recipe):
    decode = worker.decode

    def deadly(data, *arguments, **options):
        if DEADLY in data:
            os.kill(os.getpid(), signal.SIGSEGV)
        if ENDLESS in data:
            time.sleep(3600)
        if HUNGRY in data:
            hoard = [bytearray(1 << 30)]
            while True:
                hoard.append(bytearray(1 << 30))
        return decode(data, *arguments, **options)

    worker.decode = deadly
    return Recipe(*recipe)
