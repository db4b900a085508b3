//! Boards: the built-in catalogue and a user's file.

use danas_device::{Board, CatalogueError, Core, boards, boards_with, find, parse_catalogue};

#[test]
fn the_built_in_catalogue() {
    let names: Vec<&str> = boards().iter().map(|board| board.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "nano-33-ble",
            "stm32f411",
            "stm32f446",
            "stm32f746",
            "stm32h743",
            "stm32l4r5",
            "stm32u575",
            "stm32g0b1",
            "esp32",
            "esp32-s3",
            "rp2040",
            "rp2350",
            "nrf5340-dk",
            "ek-ra8d1",
            "esp32-c3"
        ]
    );
    let nano = Board::find("nano-33-ble").unwrap();
    assert_eq!((nano.core, nano.mhz), (Core::CortexM4, 64.0));
    assert_eq!((nano.ram_bytes, nano.flash_bytes), (256 * 1024, 960 * 1024));
    assert_eq!(nano.usable_ram_bytes(), 224 * 1024);
    assert_eq!(Board::find(" STM32F746").unwrap().name, "stm32f746");
    assert_eq!(Board::find("Nano_33 BLE").unwrap().name, "nano-33-ble");
}

#[test]
fn an_unknown_board_names_the_nearest() {
    let nearest = |name: &str| Board::find(name).unwrap_err().nearest[0].clone();
    assert_eq!(nearest("nano33ble"), "nano-33-ble");
    assert_eq!(nearest("stm32f764"), "stm32f746");
    assert_eq!(nearest("nrf52840"), "nano-33-ble");
    assert_eq!(nearest("esp32s3"), "esp32-s3");
    assert_eq!(nearest("pico"), "rp2040");
    let message = Board::find("esp23").unwrap_err().to_string();
    assert!(
        message.starts_with("unknown board `esp23`; nearest: esp32"),
        "{message}"
    );
    assert!(find(&[], "anything").unwrap_err().nearest.is_empty());
}

#[test]
fn energy_is_told_only_where_somebody_measured_the_power() {
    let published = Board::find("stm32l4r5").unwrap();
    assert!((published.energy_mj(100.0).unwrap() - 5.2).abs() < 1e-9);
    assert_eq!(Board::find("nano-33-ble").unwrap().energy_mj(100.0), None);
    for power in boards().iter().filter_map(|board| board.power.as_ref()) {
        assert!(power.source.contains("MLPerf Tiny"), "{}", power.source);
    }
}

const OWN: &str = r#"
[[board]]
name = "my-board"
core = "cortex-m33"
mhz = 80
ram = "64KiB"
flash = "512KiB"
reserved_ram = "8KiB"
note = "a board of my own"

[[board]]
name = "rp2350"
core = "cortex-m33"
mhz = 300.5
ram = "520KiB"
flash = "16MiB"
"#;

#[test]
fn a_users_file_adds_and_replaces() {
    let folder = std::env::temp_dir().join(format!("danas-boards-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("own.toml");
    std::fs::write(&path, OWN).unwrap();
    let all = boards_with(&path).unwrap();
    let large = folder.join("large.toml");
    std::fs::write(&large, vec![b'#'; (1 << 20) + 1]).unwrap();
    let too_large = boards_with(&large);
    let missing = boards_with(&folder.join("missing.toml"));
    std::fs::remove_dir_all(&folder).unwrap();

    assert_eq!(all.len(), boards().len() + 1);
    let own = find(&all, "my-board").unwrap();
    assert_eq!(
        (own.usable_ram_bytes(), own.title.as_str()),
        (56 * 1024, "my-board")
    );
    assert_eq!(own.reserved_flash_bytes, Board::RESERVED_FLASH_BYTES);
    assert!(!own.published);
    assert_eq!(find(&all, "rp2350").unwrap().mhz, 300.5);
    assert!(matches!(too_large, Err(CatalogueError::TooLarge { .. })));
    assert!(matches!(missing, Err(CatalogueError::Read { .. })));
}

fn error(text: &str) -> String {
    parse_catalogue(text, "own.toml").unwrap_err().to_string()
}

#[test]
fn mistakes_are_named_with_their_place() {
    assert_eq!(
        error(&OWN.replace("reserved_ram", "reserve_ram")),
        "own.toml: unknown key `reserve_ram` in board `my-board`; did you mean `reserved_ram`?"
    );
    assert_eq!(
        error("[[boards]]\nname = 'x'"),
        "own.toml: unknown key `boards` in the top level; did you mean `board`?"
    );
    let cases = [
        ("name = \"my-board\"", "", "board number 1"),
        ("name = \"my-board\"", "name = \"My Board\"", "lower case"),
        ("mhz = 80", "mhz = -1", "is no clock"),
        ("mhz = 80", "mhz = nan", "is no clock"),
        (
            "ram = \"64KiB\"",
            "ram = \"64 parsecs\"",
            "ram: `64 parsecs` is not a number of bytes",
        ),
        ("ram = \"64KiB\"", "ram = 65536", "my-board"),
        ("cortex-m33", "cortex-m3", "my-board"),
        ("\"8KiB\"", "\"64KiB\"", "leaves no RAM"),
        ("\"rp2350\"", "\"my-board\"", "listed twice"),
        ("mhz = 80", "mhz = 80\npower = 3", "who measured it?"),
        (
            "mhz = 80",
            "mhz = 80\npower_source = 'me'",
            "who measured it?",
        ),
        (
            "mhz = 80",
            "mhz = 80\npower = -3\npower_source = 'me'",
            "is no power",
        ),
        ("[[board]]", "[[board", "own.toml"),
    ];
    for (from, to, expected) in cases {
        let message = error(&OWN.replacen(from, to, 1));
        assert!(message.contains(expected), "{to}: {message}");
    }
    assert!(error("board = 3").contains("write [[board]]"));
    assert!(error("board = [3]").contains("write [[board]]"));
    assert!(parse_catalogue("", "empty").unwrap().is_empty());
}
