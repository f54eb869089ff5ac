import numpy as np
import pyarrow as pa

from fastphash.external.scratch import Scratch
from fastphash.external.table_buckets import TableBuckets


def test_rows_of_a_bucket_come_in_the_order_in_which_they_were_added(tmp_path):
    rng = np.random.default_rng(3)
    buckets, wanted = TableBuckets(Scratch(tmp_path), "some"), []
    for start in range(0, 100, 20):
        # other batches have other texts in their dictionaries
        texts = pa.array([None if i % 9 == 0 else f"{start}-{i % 3}" for i in range(20)])
        columns = {
            "number": pa.array(np.arange(start, start + 20)),
            "text": texts.dictionary_encode(),
            "bytes": pa.array([b"%d" % i * i for i in range(20)]),
        }
        bucket = rng.integers(0, 4, 20)
        buckets.add(pa.table(columns), bucket)
        wanted += [
            {"bucket": own, **row}
            for own, row in zip(bucket.tolist(), pa.table(columns).to_pylist(), strict=True)
        ]
    for number in np.unique([row["bucket"] for row in wanted]).tolist():
        found = [{"bucket": number, **row} for row in buckets.read(number).to_pylist()]
        assert found == [row for row in wanted if row["bucket"] == number]
        buckets.remove(number)
    assert not [*(tmp_path / "some").iterdir()]
