//! Writes TFRecord files of `tf.train.Example`.

/// The bytes of a record with its checksums.
pub(crate) fn framed(record: &[u8]) -> Vec<u8> {
    let masked = |bytes: &[u8]| {
        let sum = crc32c::crc32c(bytes);
        sum.rotate_right(15).wrapping_add(0xA282_EAD8)
    };
    let length = (record.len() as u64).to_le_bytes();
    [
        &length[..],
        &masked(&length).to_le_bytes(),
        record,
        &masked(record).to_le_bytes(),
    ]
    .concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn field(number: u64, content: &[u8]) -> Vec<u8> {
    [
        &varint(number << 3 | 2),
        &varint(content.len() as u64),
        content,
    ]
    .concat()
}

/// A feature: its kind (1 bytes, 2 floats, 3 integers) and the field 1 of its list, as on the wire.
pub(crate) fn entry(name: &str, kind: u64, list: &[u8]) -> Vec<u8> {
    field(
        1,
        &[field(1, name.as_bytes()), field(2, &field(kind, list))].concat(),
    )
}

/// One value of bytes.
pub(crate) fn bytes(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, 1, &field(1, content))
}

/// One whole number, packed as TensorFlow packs it.
pub(crate) fn integer(name: &str, value: i64) -> Vec<u8> {
    entry(name, 3, &field(1, &varint(value as u64)))
}

/// The example of these features.
pub(crate) fn example(features: &[Vec<u8>]) -> Vec<u8> {
    field(1, &features.concat())
}
