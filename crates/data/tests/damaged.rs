//! Files that hold many pictures and are damaged, hostile or do not fit together.

mod common;

use common::records::{bytes, entry, example, framed, integer};
use common::shards::{dropped, loaded, parquet_of, records_of, scanned, tar_of};
use common::{complaint, folder, gzip, picture_of, write};
use danas_data::{DataError, LoadOptions, ReadLimits, Streams, load};
use rand::RngExt;

#[test]
fn shards_that_disagree_are_refused() {
    let dir = folder();
    write(
        &dir.path().join("train-0.parquet"),
        &parquet_of(0..20, "label"),
    );
    write(
        &dir.path().join("train-1.parquet"),
        &parquet_of(20..40, "target"),
    );
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("`label` and in `target`") && text.contains("folders of their own"),
        "{text}"
    );

    let dir = folder();
    write(&dir.path().join("train-0.tfrecord"), &records_of(0..20));
    let features = [
        bytes("image", &picture_of("p", 1)),
        integer("person", 1),
        integer("near", 1),
    ];
    write(
        &dir.path().join("train-1.tfrecord"),
        &framed(&example(&features)),
    );
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("do not belong together: only one has `dark`"),
        "{text}"
    );

    let dir = folder();
    write(&dir.path().join("train-0.tfrecord"), &records_of(0..20));
    write(&dir.path().join("test-0.tfrecord"), &records_of(0..1));
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("`test` has nothing of the class `1`") && text.contains("NAME=unused"),
        "{text}"
    );
}

#[test]
fn files_that_are_cut_off_are_refused() {
    let cases = [
        ("a.tar", tar_of(0..20)),
        ("a.tar.gz", gzip(&tar_of(0..20))),
        ("a.tfrecord", records_of(0..20)),
        ("a.parquet", parquet_of(0..20, "label")),
    ];
    for (name, whole) in cases {
        let dir = folder();
        for part in 1..8 {
            let end = whole.len() * part / 8 - 3;
            write(&dir.path().join(name), &whole[..end]);
            let text = complaint(scanned(dir.path()));
            assert!(
                text.contains(name) && text.contains("get the file again"),
                "{text}"
            );
        }
        write(&dir.path().join(name), b"");
        let text = complaint(scanned(dir.path()));
        assert!(text.contains("get the file again"), "{text}");
    }
}

#[test]
fn a_file_that_changes_after_it_was_listed_is_refused() {
    let dir = folder();
    let path = dir.path().join("a.tfrecord");
    write(&path, &records_of(0..20));
    let catalogue = scanned(dir.path()).expect("a catalogue");
    write(&path, &records_of(0..10));
    let text = complaint(loaded(&catalogue));
    assert!(
        text.contains("fewer examples than when it was listed"),
        "{text}"
    );
}

#[test]
fn records_with_wrong_checksums_are_counted() {
    let dir = folder();
    let mut shard = records_of(0..40);
    let bad = framed(&example(&[integer("person", 1)]));
    shard.extend(&bad);
    let last = shard.len() - 6;
    shard[last] ^= 0x10;
    shard.extend(framed(b"no example"));
    write(&dir.path().join("a.tfrecord"), &shard);
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.total(), 40);
    assert_eq!(
        dropped(&catalogue),
        [
            "1 a record is not a tf.train.Example",
            "1 its checksum does not match"
        ]
    );
    shard[8] ^= 1;
    write(&dir.path().join("a.tfrecord"), &shard);
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("checksum of the length of record 0"),
        "{text}"
    );
}

#[test]
fn records_without_a_picture_or_label_are_named() {
    let dir = folder();
    let mut shard = records_of(0..40);
    shard.extend(framed(&example(&[
        integer("person", 1),
        bytes("filename", b"none.png"),
    ])));
    shard.extend(framed(&example(&[bytes("image", &picture_of("p", 1))])));
    shard.extend(framed(&example(&[entry("person", 3, b"")])));
    write(&dir.path().join("a.tfrecord"), &shard);
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.total(), 41);
    assert_eq!(dropped(&catalogue), ["2 no label (empty or -1)"]);
    let dataset = loaded(&catalogue).expect("pictures");
    let [file] = dataset.skipped() else {
        panic!("one: {:?}", dataset.skipped())
    };
    assert_eq!(
        file.to_string(),
        "a.tfrecord/none.png: has no picture in `image`"
    );
}

/// A member of an archive whose name is written as it is.
fn member(builder: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    builder.append(&header, bytes).expect("a member");
}

#[test]
fn members_that_lead_out_links_and_repeated_names_are_counted() {
    let mut builder = tar::Builder::new(tar_of(0..40));
    // The archive ends with empty blocks, after which nothing is read.
    let whole = builder.get_mut();
    whole.truncate(whole.len() - 1024);
    let picture = picture_of("p", 1);
    for name in ["../x.png", "/etc/y.png", "a/../../z.png", "C:\\w.png"] {
        member(&mut builder, name, tar::EntryType::Regular, &picture);
    }
    member(&mut builder, "l.png", tar::EntryType::Symlink, b"");
    member(&mut builder, "h.png", tar::EntryType::Link, b"");
    member(&mut builder, "d.png", tar::EntryType::Char, b"");
    member(&mut builder, "p0.png", tar::EntryType::Regular, &picture);
    member(&mut builder, "p0.cls", tar::EntryType::Regular, b"1");
    member(&mut builder, "q.png", tar::EntryType::Regular, &picture);
    member(&mut builder, "q.png", tar::EntryType::Regular, &picture);
    member(&mut builder, "q.cls", tar::EntryType::Regular, b"1");
    member(&mut builder, "r.cls", tar::EntryType::Regular, b"1");
    member(&mut builder, "s.png", tar::EntryType::Regular, &picture);
    let dir = folder();
    write(
        &dir.path().join("a.tar"),
        &builder.into_inner().expect("an archive"),
    );
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.total(), 41);
    assert_eq!(
        dropped(&catalogue),
        [
            "2 a link in an archive",
            "4 a path in an archive that leads out of it",
            "1 a sample without a picture",
            "1 a second picture of one sample",
            "1 neither a file nor a folder in an archive",
            "1 no label (empty or -1)",
            "1 the same name again in an archive",
        ]
    );
    assert!(loaded(&catalogue).is_ok());
}

#[test]
fn an_archive_that_expands_without_end_is_refused() {
    let mut builder = tar::Builder::new(tar_of(0..10));
    let whole = builder.get_mut();
    whole.truncate(whole.len() - 1024);
    let zeros = vec![0; 128 << 20];
    member(&mut builder, "bomb.png", tar::EntryType::Regular, &zeros);
    let bytes = gzip(&builder.into_inner().expect("an archive"));
    let dir = folder();
    write(&dir.path().join("a.tar.gz"), &bytes);
    let result = scanned(dir.path());
    assert!(
        matches!(&result, Err(DataError::Bomb { compressed, expanded, .. })
            if *compressed < 1 << 20 && *expanded > 200 * compressed),
        "{result:?}"
    );
    assert!(complaint(result).contains("unpack it by other means"));
}

#[test]
fn a_member_that_is_too_large_is_skipped() {
    let dir = folder();
    let mut builder = tar::Builder::new(tar_of(0..40));
    let whole = builder.get_mut();
    whole.truncate(whole.len() - 1024);
    member(&mut builder, "large.cls", tar::EntryType::Regular, b"1");
    member(
        &mut builder,
        "large.png",
        tar::EntryType::Regular,
        &vec![7; 2 << 20],
    );
    write(
        &dir.path().join("a.tar"),
        &builder.into_inner().expect("an archive"),
    );
    let catalogue = scanned(dir.path()).expect("a catalogue");
    let options = LoadOptions {
        limits: ReadLimits {
            max_pixels: 100_000,
            ..ReadLimits::default()
        },
        ..LoadOptions::default()
    };
    let dataset = load(&catalogue, &options, &|_| {}).expect("the others");
    let [file] = dataset.skipped() else {
        panic!("one: {:?}", dataset.skipped())
    };
    assert!(
        file.to_string()
            .contains("a.tar/large: takes 2 MiB; at most 1 MiB"),
        "{file}"
    );
}

#[test]
fn damaged_parquet_files_are_read_or_refused() {
    let dir = folder();
    let path = dir.path().join("a.parquet");
    let whole = parquet_of(0..20, "label");
    let mut rng = Streams::new(5).stream("damage", 0);
    for round in 0..200 {
        let mut bytes = whole.clone();
        // The end describes the file; half of the rounds damage that.
        let from = if round % 2 == 0 {
            0
        } else {
            bytes.len() - 1200
        };
        for _ in 0..rng.random_range(1..4_u32) {
            let at = rng.random_range(from as u64..bytes.len() as u64) as usize;
            bytes[at] = rng.random_range(0..=255_u32) as u8;
        }
        write(&path, &bytes);
        if let Ok(catalogue) = scanned(dir.path()) {
            assert!(catalogue.total() <= 20);
            let _ = loaded(&catalogue);
        }
    }
}
