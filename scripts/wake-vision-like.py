#!/usr/bin/env python3
"""Write a set of pictures that lies on disk as Wake Vision does, of any size, to try and measure things on.

    scripts/wake-vision-like.py FOLDER --layout parquet --train-large 12000 --train-quality 6000 --validation 800 --test 1200

FOLDER must not be there. Layouts: `folders` (PART/{0,1}/*.jpg), `dataverse` (a CSV list for each part beside .tar.gz
archives) and `parquet` (shards of a struct {bytes, path}). Labels are in `person`; validation and test have the columns
of the fine-grained test sets as well, with -1 where a value is missing. Pictures are drawn, with a rough figure for a
person, or cut from those of --pictures, which has one folder for each of the two classes. The same arguments give the
same pictures. Needs numpy and Pillow, and pyarrow for `parquet`: what `oracle/setup.sh` installs has them.
"""

import argparse
import csv
import io
import multiprocessing
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PARTS = ["train_large", "train_quality", "validation", "test"]
TRAINING_COLUMNS = ["depiction", "body_part"]
GENDERS = ["predominantly_female", "predominantly_male", "gender_unknown"]
AGES = ["young", "middle_age", "older", "age_unknown"]
DISTANCES = ["near", "medium_distance", "far"]
LIGHTS = ["dark", "normal_lighting", "bright"]
DEPICTIONS = ["person_depiction", "non-person_depiction", "non-person_non-depiction"]
COLUMNS = TRAINING_COLUMNS + GENDERS + AGES + DISTANCES + LIGHTS + DEPICTIONS

# Of the evaluation parts: labels that are missing, and rows without a value in a group of columns.
UNLABELLED = 0.01
MISSING = 0.05
# The share of the picture's height that a person takes, and the factor on its brightness.
HEIGHTS = {"near": (0.6, 0.95), "medium_distance": (0.25, 0.6), "far": (0.08, 0.25)}
BRIGHTNESS = {"dark": (0.15, 0.4), "normal_lighting": (0.7, 1.1), "bright": (1.3, 1.8)}
SHAPES = [(4, 3), (4, 3), (3, 2), (3, 4), (1, 1)]

TEXTURES = 16
# Pictures of an archive, of a Parquet file and of one of its groups of rows.
PER_ARCHIVE = 10_000
PER_FILE = 2_000
PER_GROUP = 100


def texture(rng, side):
    """Soft colours with fine grain, as JPEG bytes are mostly made of in photographs."""
    field = np.zeros((side, side, 3), np.float32)
    for cells, strength in ((3, 110), (12, 60), (64, 36), (side // 4, 26)):
        coarse = rng.random((cells, cells, 3)) * 255
        scaled = Image.fromarray(coarse.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
        field += (np.asarray(scaled, np.float32) / 255 - 0.5) * strength
    return np.clip(field + 127, 0, 255).astype(np.uint8)


class Maker:
    """Makes the pictures of a worker."""

    def __init__(self, options):
        self.options = options
        self.found = [[], []]
        if options.pictures:
            for label, folder in enumerate(class_folders(options.pictures)):
                self.found[label] = sorted(path for path in folder.rglob("*") if path.is_file())
        else:
            rng = np.random.default_rng(options.seed)
            self.textures = [texture(rng, options.side * 3 // 2) for _ in range(TEXTURES)]

    def picture(self, part, number):
        """The row and the JPEG bytes of a picture."""
        rng = np.random.default_rng([self.options.seed, PARTS.index(part), number])
        row = self.row(rng, part)
        shape = np.array(SHAPES[rng.integers(len(SHAPES))])
        width, height = (shape * self.options.side // shape.max()).tolist()
        if self.options.pictures:
            image = self.cut(rng, row["label"], width, height)
        else:
            image = self.drawn(rng, row, width, height)
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=self.options.quality)
        return row, encoded.getvalue()

    def row(self, rng, part):
        """Name, label, columns, and what they were drawn from."""
        label = int(rng.integers(2))
        distance = DISTANCES[rng.integers(len(DISTANCES))]
        light = LIGHTS[rng.choice(len(LIGHTS), p=[0.1, 0.8, 0.1])]
        is_depiction = bool(rng.random() < 0.08)
        columns = {
            "depiction": int(is_depiction),
            "body_part": int(label and rng.random() < 0.1),
            "person_depiction": int(is_depiction and label),
            "non-person_depiction": int(is_depiction and not label),
            "non-person_non-depiction": int(not is_depiction and not label),
        }
        for group in (GENDERS, AGES):
            columns |= one_of(group, group[rng.integers(len(group))] if label else None)
        columns |= one_of(DISTANCES, distance if label else None) | one_of(LIGHTS, light)
        for group in (GENDERS, AGES, DISTANCES, LIGHTS):
            if rng.random() < MISSING:
                columns |= dict.fromkeys(group, -1)
        is_unlabelled = rng.random() < UNLABELLED
        person = label
        if part in ("train_large", "train_quality"):
            columns = {name: columns[name] for name in TRAINING_COLUMNS}
        elif is_unlabelled:
            person = -1
        name = f"{rng.integers(1 << 63):016x}.jpg"
        drawn_from = {"label": label, "distance": distance, "light": light}
        return drawn_from | {"filename": name, "person": person, "columns": columns}

    def cut(self, rng, label, width, height):
        """A part of one of the given pictures, scaled."""
        path = self.found[label][rng.integers(len(self.found[label]))]
        with Image.open(path) as found:
            image = found.convert("RGB")
        share = rng.uniform(0.6, 1.0)
        wide = max(1, round(min(image.width, image.height * width / height) * share))
        high = max(1, min(image.height, round(wide * height / width)))
        left = int(rng.integers(image.width - wide + 1))
        top = int(rng.integers(image.height - high + 1))
        return image.resize((width, height), Image.Resampling.BICUBIC, (left, top, left + wide, top + high))

    def drawn(self, rng, row, width, height):
        """Things before a background, and a figure if there is to be a person."""
        background = self.textures[rng.integers(TEXTURES)]
        top, left = rng.integers(background.shape[0] - np.array([height, width]) + 1)
        image = Image.fromarray(background[top : top + height, left : left + width])
        draw = ImageDraw.Draw(image)
        colour = lambda: tuple(rng.integers(256, size=3).tolist())
        for _ in range(rng.integers(2, 6)):
            x, y = rng.random(2) * (width, height)
            dx, dy = rng.uniform(0.05, 0.3, 2) * (width, height)
            shape = draw.rectangle if rng.random() < 0.5 else draw.ellipse
            shape((x, y, x + dx, y + dy), fill=colour())
        if row["label"]:
            tall = rng.uniform(*HEIGHTS[row["distance"]]) * height
            figure(draw, rng.uniform(0.2, 0.8) * width, rng.uniform(0, height - tall), tall, colour)
        factor = rng.uniform(*BRIGHTNESS[row["light"]])
        return image.point([min(255, round(value * factor)) for value in range(256)] * 3)


def figure(draw, x, top, tall, colour):
    """Head, trunk, arms and legs of this height in pixels, around x."""
    skin, cloth = (224, 172, 140), colour()
    unit = tall / 8
    draw.ellipse((x - unit / 2, top, x + unit / 2, top + unit * 1.2), fill=skin)
    draw.rectangle((x - unit, top + unit * 1.2, x + unit, top + unit * 4.2), fill=cloth)
    for side in (-1, 1):
        arm = [(x + side * unit, top + unit * 1.4), (x + side * unit * 1.6, top + unit * 4)]
        leg = [(x + side * unit / 2, top + unit * 4.2), (x + side * unit * 0.7, top + unit * 8)]
        draw.line(arm, fill=skin, width=max(1, round(unit / 2)))
        draw.line(leg, fill=(40, 40, 70), width=max(1, round(unit * 0.8)))


def one_of(group, name):
    """1 for one column of a group, 0 for the others."""
    return {column: int(column == name) for column in group}


def class_folders(root):
    """The two folders below `root`, which hold the labels 0 and 1."""
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    if len(folders) != 2:
        raise SystemExit(f"{root} has {len(folders)} folders; expected one for each of two classes")
    return folders


def columns_of(part):
    return COLUMNS if part in ("validation", "test") else TRAINING_COLUMNS


def write_folders(root, part, pictures):
    for label in "01":
        (root / part / label).mkdir(parents=True)
    for row, encoded in pictures:
        if row["person"] >= 0:
            (root / part / str(row["person"]) / row["filename"]).write_bytes(encoded)


def write_dataverse(root, part, pictures):
    archive = None
    with open(root / f"wake_vision_{part}.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "person", *columns_of(part)])
        for number, (row, encoded) in enumerate(pictures):
            if number % PER_ARCHIVE == 0:
                if archive:
                    archive.close()
                name = f"{part}_{number // PER_ARCHIVE}.tar.gz"
                archive = tarfile.open(root / name, "w:gz", compresslevel=1)
            values = [row["columns"][column] for column in columns_of(part)]
            rows.writerow([row["filename"], row["person"], *values])
            member = tarfile.TarInfo(row["filename"])
            member.size = len(encoded)
            archive.addfile(member, io.BytesIO(encoded))
    if archive:
        archive.close()


def write_parquet(root, part, pictures, count):
    import pyarrow
    import pyarrow.parquet

    image = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    numbers = [(column, pyarrow.int64()) for column in ["person", *columns_of(part)]]
    schema = pyarrow.schema([("image", image), ("filename", pyarrow.string()), *numbers])
    (root / "data").mkdir(exist_ok=True)
    files = -(-count // PER_FILE)
    for number in range(files):
        name = f"{part}-{number:05}-of-{files:05}.parquet"
        with pyarrow.parquet.ParquetWriter(root / "data" / name, schema) as writer:
            for first in range(number * PER_FILE, min(count, (number + 1) * PER_FILE), PER_GROUP):
                group = [next(pictures) for _ in range(min(PER_GROUP, count - first))]
                values = [
                    {"image": {"bytes": encoded, "path": row["filename"]}}
                    | {"filename": row["filename"], "person": row["person"]}
                    | row["columns"]
                    for row, encoded in group
                ]
                writer.write_table(pyarrow.Table.from_pylist(values, schema))


def begin_worker(options):
    global maker
    maker = Maker(options)


def make(job):
    return maker.picture(*job)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--layout", choices=["folders", "dataverse", "parquet"], default="folders")
    for part in PARTS:
        parser.add_argument(f"--{part.replace('_', '-')}", type=int, default=0, metavar="COUNT")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="cut from these instead of drawing")
    parser.add_argument("--side", type=int, default=1024, help="pixels of the longer side (default: 1024)")
    parser.add_argument("--quality", type=int, default=80, help="of the JPEG files (default: 80)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=None, help="processes (default: one for each core)")
    return parser.parse_args()


def main():
    options = arguments()
    options.folder.mkdir(parents=True)
    with multiprocessing.Pool(options.workers, begin_worker, (options,)) as pool:
        for part in PARTS:
            count = getattr(options, part)
            if count == 0:
                continue
            pictures = pool.imap(make, ((part, number) for number in range(count)), chunksize=8)
            match options.layout:
                case "folders":
                    write_folders(options.folder, part, pictures)
                case "dataverse":
                    write_dataverse(options.folder, part, pictures)
                case "parquet":
                    write_parquet(options.folder, part, pictures, count)
    files = [path for path in options.folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{options.folder}: {size / 1e6:.1f} MB in {len(files)} files")


if __name__ == "__main__":
    main()
