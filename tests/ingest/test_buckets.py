"""Images in a bucket, hashed into a store: each is fetched once, what fails costs only itself."""

import gzip
import io
import os
import sys
from datetime import timedelta

import pytest
from PIL import Image

from fastphash.errors import ImageError, RemoteError, UsageError
from fastphash.images.sniff import SNIFFED
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.named_splits import choose_files, named_sources
from fastphash.sources.open_containers import opened
from fastphash.sources.protocol import Entry
from fastphash.sources.remote import client, objects
from fastphash.sources.remote.objects import ObjectReader, ObjectSource
from tests.support.command_line import FAILED, error_of, run
from tests.support.containers import make_tar
from tests.support.executors import InProcess
from tests.support.object_server import serving
from tests.support.scenes import scene
from tests.support.stores import part_bytes, paths, read_store, rejected


def png(seed):
    file = io.BytesIO()
    Image.fromarray(scene(seed)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def pictures():
    return {f"{seed % 3}/{seed:02d}.png": png(seed) for seed in range(24)}


@pytest.fixture
def bucket(pictures):
    """A server with pictures, a text and a hidden file."""
    with serving(page=5) as server:
        server.objects |= {f"b/train/{name}": data for name, data in pictures.items()}
        server.objects["b/train/0/notes.txt"] = b"text"
        server.objects["b/train/.cache/x.png"] = pictures["0/00.png"]
        server.objects["b/trainer/x.png"] = pictures["0/00.png"]
        yield server


def update(store, word="train=s3://b/train", **options):
    options = IngestOptions(workers=0, **options)
    tallies = hash_into(store, named_sources([word]), options, start_executor=InProcess)
    return tallies["train"]


def test_each_object_is_fetched_once_and_unchanged_ones_never_again(tmp_path, bucket, pictures):
    store = tmp_path / "s"
    tally = update(store)
    assert (tally.inputs, tally.hashed, tally.skipped, tally.hidden) == (25, 24, 1, 1)
    assert bucket.count("GET") == 25
    assert bucket.count("HEAD") == 0
    table = read_store(store)
    assert table["path"].to_pylist() == sorted(pictures)
    first = bucket.etag("b/train/0/00.png").strip('"')
    assert table["etag"].to_pylist()[0] == first
    assert table["container"].null_count == 24
    before = part_bytes(store)
    bucket.requests.clear()
    assert (update(store).kept, bucket.count("GET")) == (24, 1)
    assert part_bytes(store) == before
    bucket.objects["b/train/0/00.png"] = png(90)
    bucket.objects["b/train/2/new.png"] = png(91)
    del bucket.objects["b/train/1/01.png"]
    bucket.requests.clear()
    tally = update(store)
    assert (tally.kept, tally.hashed, tally.gone) == (22, 2, 1)
    assert bucket.count("GET") == 3
    update(tmp_path / "anew")
    columns = ["path", "digest", "phash", "etag", "size"]
    ours, anew = (read_store(one).select(columns).to_pylist() for one in (store, tmp_path / "anew"))
    assert sorted(ours, key=str) == sorted(anew, key=str)


@pytest.mark.parametrize("kind", ["objects", "shards"])
def test_a_bucket_that_fails_now_and_then_gives_the_same_bytes(
    tmp_path, bucket, pictures, kind, monkeypatch
):
    monkeypatch.setattr(client, "_PAGE", bucket.page)
    word = "train=s3://b/train"
    if kind == "shards":
        for shard in range(12):
            make_tar(tmp_path / "x.tar", list(pictures.items())[2 * shard : 2 * shard + 2])
            bucket.objects[f"b/shards/{shard}.tar"] = (tmp_path / "x.tar").read_bytes()
        word = "train=s3://b/shards/{0..11}.tar"
    update(tmp_path / "undisturbed", word)
    bucket.failing = 0.1
    update(tmp_path / "disturbed", word)
    assert bucket.failed
    assert part_bytes(tmp_path / "disturbed") == part_bytes(tmp_path / "undisturbed")
    assert not rejected(tmp_path / "disturbed")


def test_an_object_that_never_comes_is_rejected_and_tried_again(tmp_path, bucket):
    bucket.broken = {"b/train/1/01.png"}
    update(tmp_path / "s")
    (name, (stage, reason)), *others = rejected(tmp_path / "s").items()
    assert not others
    assert (name, stage) == (("train", "1/01.png"), "read")
    assert "503" in reason
    assert "\n" not in reason
    bucket.broken = set()
    assert update(tmp_path / "s").hashed == 1
    assert len(paths(tmp_path / "s")) == 24


def test_an_object_of_which_nothing_is_heard_is_rejected(tmp_path, bucket, monkeypatch):
    monkeypatch.setitem(client._LIMITS, "read_timeout", timedelta(milliseconds=50))
    monkeypatch.setitem(client.RETRIES, "max_retries", 2)
    bucket.silent = {"b/train/1/01.png"}
    assert update(tmp_path / "s").hashed == 23
    assert [name for _, name in rejected(tmp_path / "s")] == ["1/01.png"]
    assert [path for _, path in bucket.requests].count("/b/train/1/01.png") == 3


@pytest.mark.parametrize("answered", [0, 2, 8])
def test_a_list_that_fails_ends_the_run_and_nothing_is_gone(tmp_path, bucket, answered):
    store = tmp_path / "s"
    update(store)
    before = part_bytes(store)
    bucket.objects["b/train/3/new.png"] = png(91)
    bucket.refuse_lists_after = answered
    with pytest.raises(RemoteError, match=r"can't list 's3://b/train': .*503"):
        update(store)
    assert part_bytes(store) == before
    bucket.refuse_lists_after = None
    assert update(store).hashed == 1


def test_what_is_wrong_with_an_address_is_one_line(tmp_path, bucket, monkeypatch):
    def fails(word, status=FAILED):
        done = run("hash", word, "-o", tmp_path / "s", "--workers", "1", status=status)
        return error_of(done)

    assert "nothing lies below 's3://b/nowhere'" in fails("train=s3://b/nowhere")
    missing = fails(f"train={bucket.url}/b/x.tar")
    assert "1 file was rejected ('x.tar': no such object (404))" in missing
    missing = fails("train=s3://none/x.tar")
    assert "1 file was rejected ('x.tar': no such object, or no such bucket (404))" in missing
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    assert "('x.tar': access is refused: check the" in fails("train=s3://b/x.tar")
    assert "access is refused: check the credentials" in fails("train=s3://b/train")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9/latest")
    assert "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET" in fails("train=s3://b/train")
    monkeypatch.setitem(sys.modules, "obstore", None)
    client._obstore.cache_clear()
    assert "pip install 'fastphash[s3]'" in fails("train=s3://b/train", status=2)
    client._obstore.cache_clear()


def test_an_object_that_was_replaced_is_read_as_it_is(bucket):
    source = ObjectSource("train", b"s3://b/train")
    entries = [entry for entry in source.entries() if entry.path == b"0/00.png"]
    bucket.objects["b/train/0/00.png"] = png(90)
    data, stamp = source.reader.for_task(entries).read(b"0/00.png")
    assert data == png(90)
    assert stamp == source.reader.stamp(b"0/00.png")
    assert stamp != entries[0].stamp
    with pytest.raises(ImageError, match="no such object"):
        source.reader.for_task([Entry(b"gone.png")]).read(b"gone.png")


def test_bytes_of_two_versions_of_a_shard_are_never_mixed(tmp_path, bucket):
    make_tar(tmp_path / "x.tar", [(f"{i}.png", bytes(700_000)) for i in range(20)])
    bucket.objects["b/x.tar"] = (tmp_path / "x.tar").read_bytes()
    with opened(b"s3://b/x.tar") as found:
        members = list(found.container.members())
        found.container._source._object.forget()
        bucket.objects["b/x.tar"] += bytes(10240)
        read = list(found.container.read(members))
    assert len(members) == 20
    assert {str(error) for error in read} == {"read: another object has its name now"}


def test_a_compressed_shard_that_is_replaced_is_not_called_damaged(tmp_path, bucket):
    make_tar(tmp_path / "x.tar", [(f"{i}.png", os.urandom(70_000)) for i in range(20)])
    bucket.objects["b/x.tgz"] = gzip.compress((tmp_path / "x.tar").read_bytes(), 1)
    with opened(b"s3://b/x.tgz") as found:
        members = list(found.container.members())
        found.container._source._source._object.forget()
        bucket.objects["b/x.tgz"] += bytes(1)
        read = list(found.container.read(members))
    assert len(members) == 20
    assert {str(error) for error in read} == {"read: another object has its name now"}


def test_what_is_no_image_by_its_name_is_fetched_only_if_it_begins_like_one(bucket):
    big = png(1) + bytes(1 << 20)
    bucket.objects |= {"b/x/picture": big, "b/x/film.mp4": bytes(1 << 20)}
    source = ObjectSource("x", b"s3://b/x")
    reader = source.reader.for_task(list(source.entries()))
    assert reader.read(b"film.mp4")[0] is None
    assert reader.read(b"picture")[0] == big
    assert ObjectReader(b"s3://b/x").read_hashed(b"picture", 10) == big[:11]


def test_a_large_object_that_is_only_named_like_an_image_is_not_fetched(bucket, monkeypatch):
    monkeypatch.setattr(objects, "_LARGE", 1 << 16)
    picture = png(1) + bytes(1 << 20)
    bucket.objects |= {"b/x/0.png": bytes(1 << 20), "b/x/1.png": picture}
    source = ObjectSource("x", b"s3://b/x")
    reader = source.reader.for_task(list(source.entries()))
    assert reader.read(b"0.png")[0] == bytes(SNIFFED)
    assert reader.read(b"1.png")[0] == picture


NAMES = ["a/t-000.tar", "a/t-001.tar", "a/t-002.tar", "a/.t-003.tar", "a/deep/x.tar.gz", "v.zip"]


def test_objects_are_chosen_by_their_names(bucket, pictures):
    (source,) = choose_files(named_sources(["s3://b/train"]), ["*.png"], ["0"])
    entries = list(source.entries())
    taken = [entry.path.decode() for entry in entries if not entry.hidden]
    assert taken == sorted(name for name in pictures if not name.startswith("0/"))
    assert sum(entry.excluded for entry in entries) == 9


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("t=s3://b/a/t-{000..001}.tar", ("t", "s3://b/a", ["t-000.tar", "t-001.tar"])),
        ("s3://b/a/t-*.tar", ("a", "s3://b/a", ["t-000.tar", "t-001.tar", "t-002.tar"])),
        ("t=s3://b/**/*.tar.gz", ("t", "s3://b/a/deep", ["x.tar.gz"])),
        ("t=S3://b/[av]*.zip", ("t", "s3://b", ["v.zip"])),
        ("s3://b/v.zip", ("v", "s3://b", ["v.zip"])),
        ("t={url}/b/a/t-{1,2}.tar", ("t", "{url}/b/a", ["t-1.tar", "t-2.tar"])),
    ],
)
def test_patterns_in_addresses_name_containers(bucket, word, wanted):
    bucket.objects |= {f"b/{name}": b"" for name in NAMES}
    (source,) = named_sources([word.replace("{url}", bucket.url)])
    split, root, names = wanted
    assert source.split == split
    assert source.root.decode() == root.replace("{url}", bucket.url)
    assert [name.decode() for name in source.containers] == names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["t=s3://b/a/t-{001..004}.tar"], r"no such file: 's3://b/a/t-003.tar' \(2 of the 4"),
        (["t=s3://b/no*.tar"], "no such file"),
        (["t=s3://{b,c}/v.zip"], r"'s3://\{b,c\}/v.zip' stands for several buckets"),
        (["t=s3://b*/v.zip"], "stands for several buckets: make each a split of its own"),
        (["t=s3:///x"], "names no bucket or host: write s3://NAME/PATH"),
        (["t=s3://b/x/../train"], "can't have . or .. as the name of a folder"),
        (["t=https://host/folder"], "a web server can't be asked what it has"),
        (["t=https://host/x.tar?key=1"], "can't have a query"),
        (["t=s3://b/v.zip", "t=s3://c/v.zip"], "in different buckets"),
        (["t=s3://b/v.zip", "v=s3://b/v.zip"], "every image of it would leak"),
        (["t=s3://b/train", "v=s3://b/train/0"], "lie in one another"),
        (["s3://b/year=2020/"], "can't name a split"),
    ],
)
def test_addresses_that_are_refused(tmp_path, bucket, words, message):
    bucket.objects |= {f"b/{name}": b"" for name in NAMES}
    with pytest.raises(UsageError, match=message):
        hash_into(tmp_path / "s", named_sources(words), start_executor=InProcess)
