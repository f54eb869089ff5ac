"""Files that are damaged, hostile or odd."""

import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib

import imagehash
import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.hashing.api import phash
from fastphash.images.decode import Decoding, decode
from fastphash.images.encode import encode
from fastphash.ingest import pool, worker
from fastphash.ingest.api import hash_images
from fastphash.ingest.pool import Workers
from fastphash.ingest.worker import Hasher, Recipe
from fastphash.sources import local
from fastphash.sources.local import _read_all
from fastphash.store.schema import exact_paths
from fastphash.store.store import open_store
from tests.support import naive
from tests.support.batches import hash_all, reader
from tests.support.command_line import run
from tests.support.deadly_recipe import DEADLY, ENDLESS, HUNGRY, DeadlyRecipe
from tests.support.examples import campaign_of
from tests.support.fault_runs import outcome, unprivileged
from tests.support.scenes import save, scene, scenes
from tests.support.stores import read_store

FORMATS = {
    "jpg": ("JPEG", {"quality": 85}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "tif": ("TIFF", {}),
    "bmp": ("BMP", {}),
    "gif": ("GIF", {}),
    "ppm": ("PPM", {}),
    "avif": ("AVIF", {}),
    "jp2": ("JPEG2000", {}),
}

# of scene(3, 60, 80), quality 95; written down when they were first made
RGB_HASH, CMYK_HASH = "f853e9c3ceb91046", "f853e9c3ceb91046"


def reference(data):
    """ImageHash's hash of the bytes of an image."""
    with Image.open(io.BytesIO(data)) as image:
        return int(str(imagehash.phash(image)), 16)


@pytest.fixture
def folder(tmp_path):
    """With a sound image that nothing may happen to."""
    save(tmp_path / "in" / "sound.png", scene(0))
    return tmp_path / "in"


def only_sound(folder, **how):
    """The reasons of all but the sound image."""
    hashed, rejected = outcome(folder, **how)
    assert list(hashed) == ["sound.png"]
    return rejected


def chunk(kind, body):
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width, height, depth, colour, *chunks):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def test_01_truncated(folder, encoded, photo):
    for shape in ((200, 300), (97, 131)):
        for suffix in ("jpg", "png"):
            name, options = FORMATS[suffix]
            data = encoded(photo(*shape), name, **options)
            for keep in (len(data) - 1, len(data) - 2, len(data) // 2, len(data) // 20):
                (folder / f"{shape[0]}-{keep}.{suffix}").write_bytes(data[:keep])
    rejected = only_sound(folder)
    assert len(rejected) == 16
    assert all(reason.startswith(("identify: ", "decode: ")) for reason in rejected.values())


def test_02_empty(folder):
    (folder / "empty.jpg").touch()
    assert only_sound(folder) == {"empty.jpg": "identify: the file is empty"}


def test_03_text_named_jpg(folder):
    (folder / "text.jpg").write_text("no image")
    assert only_sound(folder) == {"text.jpg": "identify: not an image of a supported format"}


MEMORY = """
import json, pathlib, sys
from fastphash.images import decode as images
from fastphash.errors import ImageError

def peak():
    # of the process itself: what getrusage says begins with that of its parent
    with open("/proc/self/status") as file:
        return int(file.read().split("VmHWM:")[1].split()[0])

def decode(path):
    try:
        images.decode(path.read_bytes(), images.Decoding())
    except ImageError as error:
        return str(error)

decode(pathlib.Path(sys.argv[2]))
before = peak()
reasons = {path.name: decode(path) for path in sorted(pathlib.Path(sys.argv[1]).iterdir())}
print(json.dumps([reasons, (peak() - before) / 1024]))
"""


def refused_without_memory(folder, tmp_path):
    """The reasons why workers refuse these files, having taken next to no memory for them."""
    sound = save(tmp_path / "warm.jpg", scene(0))
    words = [sys.executable, "-c", MEMORY, str(folder), str(sound)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    reasons, megabytes = json.loads(done.stdout)
    assert megabytes < 40
    return reasons


def test_04_decompression_bomb(tmp_path):
    bomb = png_of(20_000, 20_000, 1, 0, chunk(b"IDAT", zlib.compress(bytes(20_000 * 2501), 9)))
    assert len(bomb) < 60_000
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bomb.png").write_bytes(bomb)
    (reason,) = refused_without_memory(tmp_path / "in", tmp_path).values()
    assert reason.startswith("identify: more than 178,956,970 pixels (--max-pixels)")


def huge(suffix, data):
    """The file with a header that says 60,000 x 60,000."""
    at, form = {
        "jpg": (data.find(b"\xff\xc0") + 5, ">HH"),
        "png": (16, ">II"),
        "bmp": (18, "<ii"),
        "gif": (6, "<HH"),
    }[suffix]
    return data[:at] + struct.pack(form, 60_000, 60_000) + data[at + struct.calcsize(form) :]


def test_05_huge_size_in_the_header(tmp_path, encoded, photo):
    (tmp_path / "in").mkdir()
    for suffix in ("jpg", "png", "bmp", "gif"):
        name, options = FORMATS[suffix]
        whole = encoded(photo(40, 50), name, **options)
        for kept in (len(whole), 700, 60):
            data = huge(suffix, whole)[:kept]
            (tmp_path / "in" / f"{kept}.{suffix}").write_bytes(data)
    reasons = refused_without_memory(tmp_path / "in", tmp_path)
    assert all(reason.startswith("identify: ") for reason in reasons.values()), reasons


@pytest.mark.parametrize("suffix", FORMATS)
def test_05_max_pixels_holds_for_every_format(folder, encoded, photo, suffix):
    name, options = FORMATS[suffix]
    for height in (99, 100, 101):
        data = encoded(photo(height, 100), name, **options)
        (folder / f"{height}.{suffix}").write_bytes(data)
    hashed, rejected = outcome(folder, max_pixels=10_000)
    assert sorted(hashed) == [f"100.{suffix}", f"99.{suffix}", "sound.png"]
    assert list(rejected) == [f"101.{suffix}"]
    assert "more than 10,000 pixels (--max-pixels)" in rejected[f"101.{suffix}"]


def test_06_text_bomb_and_directory_loop(folder, encoded, photo):
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9))
    pixels = chunk(b"IDAT", zlib.compress(bytes(40 * 41)))
    (folder / "text.png").write_bytes(png_of(40, 40, 8, 0, text, pixels))
    tiff = bytearray(encoded(photo(40, 50), "TIFF"))
    first = struct.unpack_from("<I", tiff, 4)[0]
    entries = struct.unpack_from("<H", tiff, first)[0]
    # the next directory is the first one again
    struct.pack_into("<I", tiff, first + 2 + 12 * entries, first)
    (folder / "loop.tif").write_bytes(tiff)
    began = time.monotonic()
    hashed, rejected = outcome(folder, timeout=20)
    assert time.monotonic() < began + 15
    assert not rejected
    # the pixels of both are sound
    assert hashed["text.png"]["phash"] == phash(np.zeros((40, 40), np.uint8))
    assert hashed["loop.tif"]["phash"] == phash(photo(40, 50))


def with_adobe_transform(jpeg, transform):
    """A JPEG whose Adobe marker says that its colours were transformed, or not."""
    at = jpeg.index(b"Adobe") + 11
    return jpeg[:at] + bytes([transform]) + jpeg[at + 1 :]


def test_07_four_channels_and_rgb_in_jpeg(folder, encoded):
    picture = Image.fromarray(scene(3, 60, 80))
    cmyk = encoded(picture.convert("CMYK"), "JPEG", quality=95)
    files = {
        "cmyk.jpg": cmyk,
        "ycck.jpg": with_adobe_transform(cmyk, 2),
        "rgb.jpg": encoded(picture, "JPEG", quality=95, keep_rgb=True),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    hashed, rejected = outcome(folder)
    assert not rejected
    for name, data in files.items():
        assert hashed[name]["phash"] == reference(data), name
    assert f"{hashed['rgb.jpg']['phash']:016x}" == RGB_HASH
    assert f"{hashed['cmyk.jpg']['phash']:016x}" == CMYK_HASH


def test_08_sixteen_bits(folder, encoded):
    across, down = np.meshgrid(np.linspace(0, 1, 90), np.linspace(0, 1, 70))
    values = (20_000 + 9_000 * np.sin(9 * across) * np.cos(7 * down)).astype(np.uint16)
    for suffix in ("png", "tif"):
        name, _ = FORMATS[suffix]
        (folder / f"16.{suffix}").write_bytes(encoded(Image.fromarray(values), name))
    hashed, rejected = outcome(folder)
    assert not rejected
    wanted = reference(encoded(naive.rendered(values), "PNG"))
    assert hashed["16.png"]["phash"] == hashed["16.tif"]["phash"] == wanted


def test_09_modes(folder, encoded):
    picture = Image.fromarray(scene(5, 60, 80))
    see_through = picture.copy()
    see_through.putalpha(Image.fromarray(scene(6, 60, 80)[..., 0]))
    palette = picture.quantize(64)
    modes = {
        "palette.png": encoded(palette, "PNG"),
        "palette-alpha.png": encoded(palette, "PNG", transparency=3),
        "one-bit.png": encoded(picture.convert("1"), "PNG"),
        "la.png": encoded(see_through.convert("LA"), "PNG"),
        "rgba.png": encoded(see_through, "PNG"),
        "rgba.webp": encoded(see_through, "WEBP", lossless=True),
    }
    for name, data in modes.items():
        (folder / name).write_bytes(data)
    hashed, rejected = outcome(folder)
    assert not rejected
    for name, data in modes.items():
        assert hashed[name]["phash"] == reference(data), name


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_10_animated(folder, encoded, suffix):
    frames = [Image.fromarray(scene(seed)) for seed in range(30)]
    name, _ = FORMATS[suffix]
    lossless = {"lossless": True} if suffix == "webp" else {}
    animated = encoded(frames[0], name, save_all=True, append_images=frames[1:], **lossless)
    (folder / f"animated.{suffix}").write_bytes(animated)
    (folder / f"still.{suffix}").write_bytes(encoded(frames[0], name, **lossless))
    hashed, rejected = outcome(folder)
    assert not rejected
    assert hashed[f"animated.{suffix}"]["phash"] == reference(animated)
    assert hashed[f"animated.{suffix}"]["phash"] == hashed[f"still.{suffix}"]["phash"]
    assert [path for path, row in hashed.items() if row["multiframe"]] == [f"animated.{suffix}"]
    shown = run("info", str(folder.parent / "hashes")).stdout
    assert "1 image has several frames or pages: the first was hashed" in shown


def test_11_several_pages(folder, encoded):
    pages = [Image.fromarray(scene(seed)) for seed in (7, 8, 9)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    (folder / "pages.tif").write_bytes(data)
    (folder / "page.tif").write_bytes(encoded(pages[0], "TIFF"))
    hashed, rejected = outcome(folder)
    assert not rejected
    assert hashed["pages.tif"]["phash"] == hashed["page.tif"]["phash"] == phash(scene(7))
    assert [path for path, row in hashed.items() if row["multiframe"]] == ["pages.tif"]


def test_12_exif_orientation(folder, encoded, photo, monkeypatch):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = encoded(photo(90, 120), "JPEG", exif=exif)
        (folder / f"{orientation}.jpg").write_bytes(data)
    hashed, _ = outcome(folder)
    assert len({row["phash"] for path, row in hashed.items() if path != "sound.png"}) == 1
    paths = sorted(folder.glob("*.jpg"))
    monkeypatch.setattr("fastphash.images.decode._decode_ordinary_jpeg", lambda *_, **__: None)
    by_pillow = [phash(path) for path in paths]
    assert by_pillow == [hashed[path.name]["phash"] for path in paths]


def test_13_corrupt_exif_and_profile(folder, encoded, photo):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    data = encoded(photo(90, 120), "JPEG", exif=exif, icc_profile=bytes(range(256)) * 8)
    (folder / "whole.jpg").write_bytes(data)
    rng = np.random.default_rng(0)
    # behind the marker, its length and its name
    for start, length in (
        (data.index(b"Exif\0\0") + 6, 40),
        (data.index(b"ICC_PROFILE") + 14, 2000),
    ):
        for i in range(20):
            damaged = bytearray(data)
            for at in rng.integers(start, start + length, 8):
                damaged[at] ^= 1 << int(rng.integers(8))
            (folder / f"{start}-{i:02d}.jpg").write_bytes(damaged)
    hashed, rejected = outcome(folder)
    assert not rejected
    assert len({row["phash"] for path, row in hashed.items() if path != "sound.png"}) == 1


def test_14_progressive_and_arithmetic(folder, encoded, photo):
    progressive = encoded(photo(90, 120), "JPEG", progressive=True)
    (folder / "progressive.jpg").write_bytes(progressive)
    baseline = encoded(photo(90, 120), "JPEG")
    arithmetic = baseline.replace(b"\xff\xc0", b"\xff\xc9", 1)
    (folder / "arithmetic.jpg").write_bytes(arithmetic)
    hashed, rejected = outcome(folder)
    assert hashed["progressive.jpg"]["phash"] == reference(progressive)
    # what is said to be so coded and isn't: any picture or none, as Pillow finds
    assert ("arithmetic.jpg" in hashed) != ("arithmetic.jpg" in rejected)
    if "arithmetic.jpg" in hashed:
        assert hashed["arithmetic.jpg"]["phash"] == reference(arithmetic)


def test_15_tiny_flat_and_white(tmp_path):
    folder = tmp_path / "in"
    for height, width in ((1, 1), (1, 300), (300, 1), (2, 3)):
        save(
            folder / f"{height}x{width}.png",
            scene(height, 30, 30)[:1].repeat(height, 0)[:, :1].repeat(width, 1),
        )
    for shade in (0, 128, 255):
        save(folder / f"flat-{shade}.png", np.full((50, 60, 3), shade, np.uint8))
    for seed in range(40):
        page = np.full((300, 300, 3), 255, np.uint8)
        page[130:170, 130:170] = scene(seed, 40, 40)
        save(folder / f"white-{seed:02d}.png", page)
    hashed, rejected = outcome(folder)
    assert not rejected
    assert len(hashed) == 47
    groups = tmp_path / "groups.parquet"
    run("group", str(tmp_path / "hashes"), "-o", str(groups))
    found = json.loads(
        run("group", str(tmp_path / "hashes"), "-o", str(groups), "--overwrite", "--json").stdout
    )
    # the flat ones that hash alike are no copies, nor are pictures on white
    equal = len(hashed) - len({row["phash"] for row in hashed.values()})
    assert equal > 3
    assert sum(found["copies"].values()) < equal / 2


def mutated(rng, data):
    """The bytes with a few of them changed, cut, doubled or put elsewhere."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        at = int(rng.integers(len(changed)))
        how = rng.integers(5)
        if how <= 1:
            changed[at] ^= 1 << int(rng.integers(8))
        elif how == 2:
            changed[at] = rng.choice((0, 1, 127, 128, 255))
        elif how == 3:
            changed[at : at + 4] = rng.bytes(4)
        else:
            other = int(rng.integers(len(changed)))
            changed[at : at + 16] = changed[other : other + 16]
    return bytes(changed[: int(rng.integers(1, len(changed)))] if rng.random() < 0.1 else changed)


def resident(pids):
    """The most memory that processes have had, in bytes, all together."""
    most = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            (line,) = (line for line in file if line.startswith("VmHWM"))
        most += int(line.split()[1]) * 1024
    return most


def mutate_and_hash(tmp_path, encoded, count):
    """Hash many mutated images of all formats; nothing dies, and all are accounted for."""
    rng = np.random.default_rng(16)
    originals = [
        (suffix, encoded(scene(seed, 40 + seed, 60), name, **options))
        for seed in range(8)
        for suffix, (name, options) in FORMATS.items()
    ]
    folder = tmp_path / "mutants"
    folder.mkdir()
    recipe = Recipe(max_pixels=4_000_000)
    hashed = rejected = 0
    with Workers(2, recipe, timeout=10) as workers:
        for start in range(0, count, 2000):
            names = []
            for i in range(start, min(start + 2000, count)):
                suffix, data = originals[i % len(originals)]
                names.append(b"%06d.%s" % (i, suffix.encode()))
                (folder / os.fsdecode(names[-1])).write_bytes(mutated(rng, data))
            whole = hash_all(workers, folder, names)
            assert whole.inputs == len(names)
            assert sorted([*whole.paths, *(one.path for one in whole.rejected)]) == names
            hashed += len(whole.paths)
            rejected += len(whole.rejected)
            for name in names:
                (folder / os.fsdecode(name)).unlink()
        pids = [worker.process.pid for worker in workers._supervisor._workers]
        assert resident(pids) < 1 << 30
    assert hashed + rejected == count
    assert hashed > count // 20
    assert rejected > count // 20


@pytest.mark.slow
@pytest.mark.parametrize("count", campaign_of(100_000, least=4_000))
def test_16_mutations(tmp_path, encoded, count):
    mutate_and_hash(tmp_path, encoded, count)


def test_17_postscript_named_png(folder):
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n%%EOF\n"
    (folder / "drawing.png").write_bytes(data)
    (folder / "drawing.eps").write_bytes(data)
    reason = "identify: not an image of a supported format"
    assert only_sound(folder) == {"drawing.eps": reason, "drawing.png": reason}
    started = []

    def listen(event, _):
        if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"):
            started.append(event)

    sys.addaudithook(listen)
    with pytest.raises(ImageError):
        decode(data, Decoding())
    assert started == []


def test_18_links(tmp_path):
    pool = scenes(tmp_path / "pool", range(3))
    for split in ("a", "b"):
        folder = tmp_path / split
        folder.mkdir()
        for seed in (0, 1):
            (folder / f"{seed}.png").symlink_to(pool / f"{seed:03d}.png")
        (folder / "again").symlink_to(".")
        (folder / "inside").mkdir()
        (folder / "inside" / "up").symlink_to("..")
    out = tmp_path / "out"
    done = run("audit", f"a={tmp_path / 'a'}", f"b={tmp_path / 'b'}", "-o", str(out), "--json")
    summary = json.loads(done.stdout)
    assert [summary["splits"][split]["images"] for split in "ab"] == [2, 2]
    assert [leak["kinds"]["identical"] for leak in summary["leaks"]] == [2, 2]


@pytest.mark.slow
def test_19_unreadable(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    (folder / "001.png").chmod(0)
    (folder / "closed").mkdir(0)
    done = unprivileged("hash", "in", "-o", "s", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)["in"]
    assert (tally["inputs"], tally["hashed"], tally["rejected"]) == (4, 2, 2)
    assert read_store(tmp_path / "s")["path"].to_pylist() == ["000.png", "002.png"]
    rows = open_store(tmp_path / "s").rejected().to_pylist()
    assert {row["path"]: f"{row['stage']}: {row['reason']}" for row in rows} == {
        "001.png": "read: Permission denied",
        "closed": "list: folder: Permission denied",
    }


ODD_NAMES = [
    b"\xff\xfe.png",
    b"caf\xe9.png",
    b"new\nline.png",
    b'quote".png',
    b"<script>.png",
    b"-rf.png",
    b" .png",
    b"\x1b[31m.png",
    "\N{SNOWMAN}.png".encode(),
]


def test_20_odd_names(folder):
    for seed, name in enumerate(ODD_NAMES, 1):
        data = encode(scene(seed), "PNG")
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(data)
    outcome(folder)
    table = read_store(folder.parent / "hashes")
    exact = exact_paths(table).to_pylist()
    assert exact == sorted([*ODD_NAMES, b"sound.png"])
    assert [name for name in table["path_bytes"].to_pylist() if name] == [
        b"caf\xe9.png",
        b"\xff\xfe.png",
    ]


def test_21_path_over_4096_bytes(folder):
    deep, name = os.open(folder, os.O_RDONLY), "d" * 200
    for _ in range(25):
        os.mkdir(name, dir_fd=deep)
        inner = os.open(name, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    with os.fdopen(os.open("x.png", os.O_CREAT | os.O_WRONLY, dir_fd=deep), "wb") as file:
        file.write(encode(scene(1), "PNG"))
    os.close(deep)
    hashed, rejected = outcome(folder)
    assert list(hashed) == ["sound.png"]
    ((path, reason),) = rejected.items()
    assert path.startswith("d" * 200)
    assert "too long" in reason
    subprocess.run(["rm", "-rf", folder / name], check=True)


def test_22_pipes_sockets_devices(folder, monkeypatch):
    os.mkfifo(folder / "pipe.png")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        names = ["pipe.png", "socket.png"]
        if os.geteuid() == 0:
            os.mknod("device.png", 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero: it never ends
            names.append("device.png")
        began = time.monotonic()
        hashed, rejected = outcome(folder)
        assert time.monotonic() < began + 20
        assert (list(hashed), rejected) == (["sound.png"], {})
        # named one by one, they are refused
        found = hash_images([*names, "sound.png"], workers=1)
    assert found.table["path"].to_pylist() == ["sound.png"]
    reasons = dict(
        zip(found.rejected["path"].to_pylist(), found.rejected["reason"].to_pylist(), strict=True)
    )
    assert sorted(reasons) == sorted(names)
    assert {reasons[name] for name in names if name != "socket.png"} == {"not a regular file"}


def test_23_vanishing_and_changing(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(6))

    def change(stage, *_):
        if stage == "starting workers" and (folder / "002.png").exists():
            (folder / "002.png").unlink()
            (folder / "003.png").unlink()
            save(folder / "004.png", scene(40))

    hashed, _ = outcome(folder, progress=change)
    # walked again, 002 and 003 are no inputs any more
    assert sorted(hashed) == ["000.png", "001.png", "004.png", "005.png"]
    assert hashed["004.png"]["phash"] == phash(scene(40))
    changed = folder / "005.png"
    taken = []

    def read(fd, size, whole=_read_all):
        data = whole(fd, size)
        taken.append(data)
        if len(taken) < 3:
            save(changed, scene(50 + len(taken)))
            os.utime(changed, ns=(0, len(taken)))
        return data

    monkeypatch.setattr(local, "_read_all", read)
    alone = Hasher(Recipe())
    batch = alone.hash_files(reader(folder), [b"005.png", b"gone.png"])
    assert len(taken) == 3
    assert batch.hashes["phash"][0, 0, 0] == phash(scene(52))
    assert batch.rejected == [(b"gone.png", "read", "No such file or directory")]
    taken.clear()
    monkeypatch.setattr(local, "_ATTEMPTS", 2)
    (refused,) = alone.hash_files(reader(folder), [b"005.png"]).rejected
    assert refused.reason == "the file changed 2 times while it was read"


def poisoned(folder, poison, *seeds):
    """Files that `DeadlyRecipe` does something with."""
    for seed in seeds:
        with open(folder / f"{seed:03d}.png", "ab") as file:
            file.write(poison)


@pytest.fixture
def deadly(monkeypatch):
    """Workers that crash, hang or eat memory if a file says so."""
    monkeypatch.setattr(pool, "recipe_of", lambda *_: DeadlyRecipe())


def test_24_crashing_decoder(tmp_path, deadly):
    folder = scenes(tmp_path / "in", range(200))
    poisoned(folder, DEADLY, 3, 4, 150)
    hashed, rejected = outcome(folder, workers=2)
    assert rejected == dict.fromkeys(
        ("003.png", "004.png", "150.png"), "worker: the worker process died of it twice, by SIGSEGV"
    )
    assert len(hashed) == 197


def test_25_hanging_decoder(tmp_path, deadly):
    folder = scenes(tmp_path / "in", range(100))
    poisoned(folder, ENDLESS, 7, 99)
    began = time.monotonic()
    hashed, rejected = outcome(folder, workers=2, timeout=0.5)
    assert time.monotonic() < began + 15
    assert rejected == dict.fromkeys(("007.png", "099.png"), "worker: not done after 0.5 s, twice")
    assert len(hashed) == 98


def test_26_worker_out_of_memory(tmp_path, deadly, monkeypatch):
    folder = scenes(tmp_path / "in", range(10))
    poisoned(folder, HUNGRY, 5)
    # a worker may take its share, or what the largest image needs
    monkeypatch.setattr(pool, "free_memory", lambda: 0)
    hashed, rejected = outcome(folder, workers=1)
    assert rejected == {"005.png": "decode: out of memory"}
    assert len(hashed) == 9


class CountingRecipe(Recipe):
    """Workers that note each decoding in a file, and die of it."""

    __slots__ = ()

    def __reduce__(self):
        return _count, (os.environ["FASTPHASH_TEST_LOG"],)


def _count(log):
    def decode(data, *_, **__):
        with open(log, "ab") as file:
            file.write(b"x")
        os.kill(os.getpid(), signal.SIGKILL)

    worker.decode = decode
    return Recipe()


@pytest.mark.slow
def test_27_given_up_after_two(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", [1])
    monkeypatch.setenv("FASTPHASH_TEST_LOG", str(tmp_path / "log"))
    with Workers(1, CountingRecipe()) as workers:
        batch = hash_all(workers, folder, [b"001.png"])
    assert [one.reason for one in batch.rejected] == [
        "the worker process died of it twice, by SIGKILL"
    ]
    assert (tmp_path / "log").read_bytes() == b"xx"


@pytest.mark.slow
@pytest.mark.parametrize("count", campaign_of(10_000, least=1_000))
def test_27_one_in_two_hundred_crashing_and_as_many_hanging(tmp_path, deadly, count):
    folder = scenes(tmp_path / "in", range(10))
    whole = [path.read_bytes() for path in sorted(folder.iterdir())]
    bad = set(np.random.default_rng(27).permutation(count)[: count // 100].tolist())
    hanging = set(sorted(bad)[::2])
    for i in range(count):
        poison = (ENDLESS if i in hanging else DEADLY) if i in bad else b"%d" % i
        (folder / f"{i:05d}.png").write_bytes(whole[i % 10] + poison)
    for path in folder.glob("0??.png"):
        path.unlink()
    hashed, rejected = outcome(folder, workers=2, timeout=0.5)
    assert len(hashed) == count - len(bad)
    assert sorted(rejected) == [f"{i:05d}.png" for i in sorted(bad)]
    for path, reason in rejected.items():
        late = int(path[:5]) in hanging
        assert ("not done after 0.5 s" if late else "died of it twice, by SIGSEGV") in reason
