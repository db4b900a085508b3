"""Writes small sets of pictures with the libraries that such files come from, for the tests of danas's readers.

    oracle/write_data.py FOLDER

FOLDER/parquet      pyarrow: Hugging Face's layout, with its description of the columns; snappy, zstd, gzip and no
                    compression, dictionaries, data pages of both versions, pages with checksums
FOLDER/bytes        pyarrow: the picture as plain bytes, labels as text, in one file
FOLDER/webdataset   webdataset's ShardWriter: key.jpg, key.cls, key.json
FOLDER/gzipped      webdataset's TarWriter with compression
FOLDER/tfrecord     the protocol buffer library with TensorFlow's definition of tf.train.Example, framed by the package
                    tfrecord; with --tensorflow by TensorFlow's own TFRecordWriter instead
FOLDER/csv          the csv module and tarfile: lists beside .tar.gz archives

Every set has the same 48 pictures: number n is a JPEG of the grey 5 n, label n % 2, `dark` n // 2 % 2 (missing for n % 3 == 0).
Prints as JSON what each library is. crates/data/tests/tensorflow/pets.tfrecord holds the two shards of the validation part, one after
the other, as TensorFlow wrote them.
"""

import argparse
import csv
import io
import json
import pathlib
import tarfile
from importlib.metadata import version

from PIL import Image

COUNT = 48
PARTS = {"train": range(0, 32), "validation": range(32, 40), "test": range(40, 48)}


def picture(number):
    """A JPEG of one grey, 32 by 24 pixels."""
    data = io.BytesIO()
    Image.new("RGB", (32, 24), (5 * number,) * 3).save(data, "JPEG", quality=95)
    return data.getvalue()


def dark(number):
    """The extra column; None where it is missing."""
    return None if number % 3 == 0 else number // 2 % 2


def rows(numbers):
    return [
        {
            "filename": f"p{n:02}.jpg",
            "bytes": picture(n),
            "label": n % 2,
            "dark": dark(n),
        }
        for n in numbers
    ]


def halves(numbers):
    middle = len(numbers) // 2
    return [numbers[:middle], numbers[middle:]]


def write_parquet(folder):
    import pyarrow
    import pyarrow.parquet

    image = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    features = {
        "image": {"_type": "Image"},
        "label": {"names": ["nobody", "person"], "_type": "ClassLabel"},
        "dark": {"dtype": "int8", "_type": "Value"},
    }
    schema = pyarrow.schema(
        [("image", image), ("label", pyarrow.int64()), ("dark", pyarrow.int8())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    ways = iter(
        [
            {"compression": "snappy", "row_group_size": 5},
            {"compression": "zstd", "data_page_version": "2.0"},
            {"compression": "gzip", "use_dictionary": False},
            {"compression": "none", "write_page_checksum": True, "row_group_size": 3},
            {"compression": "lz4", "data_page_size": 1000},
            {"compression": "snappy", "data_page_version": "2.0", "write_page_checksum": True},
        ]
    )
    (folder / "parquet/data").mkdir(parents=True)
    for part, numbers in PARTS.items():
        for shard, half in enumerate(halves(numbers)):
            table = pyarrow.table(
                {
                    "image": [{"bytes": r["bytes"], "path": r["filename"]} for r in rows(half)],
                    "label": [r["label"] for r in rows(half)],
                    "dark": [r["dark"] for r in rows(half)],
                },
                schema=schema,
            )
            name = f"{part}-{shard:05}-of-00002.parquet"
            pyarrow.parquet.write_table(table, folder / "parquet/data" / name, **next(ways))
    (folder / "bytes").mkdir()
    everything = rows(range(COUNT))
    table = pyarrow.table(
        {
            "picture": pyarrow.array([r["bytes"] for r in everything], pyarrow.binary()),
            "animal": ["cat" if r["label"] else "dog" for r in everything],
            "file_name": [r["filename"] for r in everything],
            "dark": [None if r["dark"] is None else bool(r["dark"]) for r in everything],
        }
    )
    pyarrow.parquet.write_table(table, folder / "bytes/pets.parquet")
    return f"pyarrow {version('pyarrow')}"


def write_webdataset(folder):
    import webdataset

    def samples(numbers):
        for row in rows(numbers):
            yield {
                "__key__": row["filename"].removesuffix(".jpg"),
                "jpg": row["bytes"],
                "cls": row["label"],
                "json": {"dark": row["dark"], "file": row["filename"]},
            }

    for name in ["webdataset", "gzipped"]:
        (folder / name).mkdir()
    for part, numbers in PARTS.items():
        pattern = str(folder / "webdataset" / f"{part}-%06d.tar")
        with webdataset.ShardWriter(pattern, maxcount=10, verbose=0) as writer:
            for sample in samples(numbers):
                writer.write(sample)
        with webdataset.TarWriter(str(folder / "gzipped" / f"{part}.tar.gz")) as writer:
            for sample in samples(numbers):
                del sample["cls"]
                sample["json"]["label"] = int(sample["__key__"][1:]) % 2
                writer.write(sample)
    return f"webdataset {version('webdataset')}"


def tfrecord_writer():
    from tfrecord.writer import TFRecordWriter

    def write(path, features):
        writer = TFRecordWriter(str(path))
        for row in features:
            writer.write({name: (value, kind) for name, (value, kind) in row.items()})
        writer.close()

    return write, f"tfrecord {version('tfrecord')}"


def tensorflow_writer():
    import tensorflow

    def feature(value, kind):
        train = tensorflow.train
        if kind == "byte":
            return train.Feature(bytes_list=train.BytesList(value=[value]))
        return train.Feature(int64_list=train.Int64List(value=[value]))

    def write(path, features):
        with tensorflow.io.TFRecordWriter(str(path)) as writer:
            for row in features:
                named = {name: feature(*value) for name, value in row.items()}
                example = tensorflow.train.Example(
                    features=tensorflow.train.Features(feature=named)
                )
                writer.write(example.SerializeToString())

    return write, f"tensorflow {tensorflow.__version__}"


def write_tfrecord(folder, with_tensorflow):
    write, name = tensorflow_writer() if with_tensorflow else tfrecord_writer()
    target = folder / "tfrecord/1.0.0"
    target.mkdir(parents=True)
    (target / "label.labels.txt").write_text("nobody\nperson\n")
    for part, numbers in PARTS.items():
        for shard, half in enumerate(halves(numbers)):
            features = [
                {
                    "image": (row["bytes"], "byte"),
                    "filename": (row["filename"].encode(), "byte"),
                    "label": (row["label"], "int"),
                    "dark": (-1 if row["dark"] is None else row["dark"], "int"),
                }
                for row in rows(half)
            ]
            write(target / f"pets-{part}.tfrecord-{shard:05}-of-00002", features)
    return name


def write_csv(folder):
    target = folder / "csv"
    target.mkdir()
    for part, numbers in PARTS.items():
        with open(target / f"pets_{part}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["filename", "label", "dark"])
            for row in rows(numbers):
                dark = -1 if row["dark"] is None else row["dark"]
                writer.writerow([row["filename"], row["label"], dark])
        for shard, half in enumerate(halves(numbers)):
            with tarfile.open(target / f"{part}_{shard}.tar.gz", "w:gz") as archive:
                for row in rows(half):
                    member = tarfile.TarInfo(f"some/where/{'long/' * 30}{row['filename']}")
                    member.size = len(row["bytes"])
                    archive.addfile(member, io.BytesIO(row["bytes"]))
    return "csv, tarfile"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tensorflow", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        "parquet": write_parquet(folder),
        "webdataset": write_webdataset(folder),
        "tfrecord": write_tfrecord(folder, arguments.tensorflow),
        "csv": write_csv(folder),
    }
    print(json.dumps(written))


if __name__ == "__main__":
    main()
