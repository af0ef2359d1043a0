//! C02, C03, C08: damaged, hostile, old and new files.

use std::{fs, path::Path};

use gatemedic::{
    report,
    session::{
        Event, Knowledge, Model,
        recording::{Entry, MAGIC, Refusal},
        update,
    },
};

use crate::ground::{at, file_of, incident, incidents, line, read, read_or_refuse, seen};

fn document(observations: &[gatemedic::observation::Observation]) -> String {
    let mut model = Model::new();
    for observation in observations {
        update(&mut model, &Event::Seen(Box::new(observation.clone())), Knowledge::embedded());
    }
    update(&mut model, &Event::Settle, Knowledge::embedded());
    report::json::document(&model.diagnosis, &model.offers, "web1", &[]).to_string()
}

#[test]
fn every_incident_comes_out_as_it_went_in_and_is_diagnosed_the_same() {
    let (mut raw, mut packed) = (0, 0);
    for name in incidents() {
        let observations = incident(&name);
        let bytes = file_of(&observations);
        raw += observations.iter().map(|o| serde_json::to_vec(o).unwrap().len()).sum::<usize>();
        packed += bytes.len();
        let (entries, damage) = read(&bytes);
        assert!(damage.is_none(), "{name}: {damage:?}");
        let back = seen(&entries);
        assert_eq!(back.len(), observations.len(), "{name}");
        assert_eq!(document(&back), document(&observations), "{name}");
    }
    println!("{raw} bytes of observations in {packed}: {:.1} to 1", raw as f64 / packed as f64);
    assert!(packed * 5 < raw, "{packed} of {raw}");
}

#[test]
fn every_flipped_byte_and_every_truncation_of_a_real_recording_loses_at_most_one_record() {
    let observations: Vec<_> = incident("app-unit-stopped").into_iter().take(24).collect();
    let bytes = file_of(&observations);
    assert!((1_000..200_000).contains(&bytes.len()), "{}", bytes.len());
    let whole = seen(&read(&bytes).0);
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        let (entries, damage) = read(&flipped);
        assert_eq!(damage.records, 1, "byte {place}");
        let left = seen(&entries);
        assert!(left.iter().all(|observation| whole.contains(observation)), "byte {place}");
        let (entries, damage, refusal) = read_or_refuse(&bytes[..place]);
        assert!(damage.records <= 1, "cut at {place}");
        assert!(refusal.is_none() || entries.is_empty());
        let left = seen(&entries);
        assert_eq!(left, whole[..left.len()], "cut at {place}");
    }
}

#[test]
fn every_value_of_the_first_bytes_is_read_or_refused_and_loses_one_record() {
    let bytes = file_of(&[line(1, "x"), line(2, "y")]);
    for place in 0..40 {
        for value in 0..=255_u8 {
            let mut changed = bytes.clone();
            if changed[place] == value {
                continue;
            }
            changed[place] = value;
            let (entries, damage) = read(&changed);
            assert_eq!((seen(&entries).len(), damage.records), (2, 1), "byte {place} as {value}");
        }
    }
}

/// A head with a checksum that holds, and whatever payload.
fn frame(packing: u8, record: u32, packed: u32, unpacked: u32, payload: &[u8]) -> Vec<u8> {
    let mut head = vec![1, packing, 1, 0];
    for number in [record, record, packed, unpacked, crc32c::crc32c(payload)] {
        head.extend(number.to_le_bytes());
    }
    let sum = crc32c::crc32c(&head).to_le_bytes();
    [&MAGIC[..], &head, &sum, payload].concat()
}

#[test]
fn lengths_of_4_gb_bombs_and_a_thousand_million_records_cost_nothing() {
    let good = file_of(&[line(1, "x")]);
    let bomb = zstd::bulk::compress(&vec![0; 15 << 20], 19).unwrap();
    let bomb_length = u32::try_from(bomb.len()).unwrap();
    for evil in [
        frame(0, 0, u32::MAX, u32::MAX, b""),
        frame(0, 0, 1 << 20, 1, b"short"),
        frame(1, 0, 4, u32::MAX, b"junk"),
        frame(1, 0, bomb_length, 15 << 20, &bomb),
        frame(1, 0, bomb_length, 200 << 10, &bomb),
        frame(9, 0, 4, 4, b"what"),
        frame(0, 1_000_000_000, 3, 3, b"{}\n"),
        frame(0, u32::MAX, 3, 3, b"{}\n"),
    ] {
        // In front of a good file, and alone.
        let (entries, damage) = read(&[&evil[..], &good].concat());
        assert_eq!(seen(&entries).len(), 1, "{evil:.40?}");
        assert!(damage.records > 0 || damage.unknown > 0);
        let (entries, ..) = read_or_refuse(&evil);
        assert!(seen(&entries).is_empty());
    }
}

#[test]
fn hostile_records_are_data_and_nothing_else() {
    let deep = format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let claims = [
        "{\"seen\":{\"at\":{\"wall\":1,\"boot\":1},\"source\":\"logs\",\"seen\":{\"later\":1}}}\n",
        "{\"still\":{\"at\":{\"wall\":9223372036854775807,\"boot\":18446744073709551615},\"of\":[[0,4294967295],[7,1]]}}\n",
        "{\"from-the-future\":{}}\n",
        "{\"end\":{\"at\":{\"wall\":1,\"boot\":1},\"why\":\"\\u001b]0;x\\u0007 password=CANARY\"}}\n",
        &deep,
    ];
    for claim in claims {
        let payload = claim.as_bytes();
        let length = u32::try_from(payload.len()).unwrap();
        let (entries, damage) = read(&frame(0, 0, length, length, payload));
        for entry in &entries {
            if let Entry::End { why, .. } = entry {
                assert!(!why.to_string().contains('\u{1b}') && !why.raw().contains("CANARY"));
            }
        }
        assert!(entries.len() <= 1);
        assert!(damage.unknown + damage.unresolved > 0 || !entries.is_empty());
    }
}

#[test]
fn a_recording_of_version_1_stays_readable_and_a_newer_one_is_refused_politely() {
    let place =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recordings/version-1.gmr");
    if std::env::var_os("GATEMEDIC_BLESS_RECORDING").is_some() {
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, file_of(&incident("app-frozen"))).unwrap();
    }
    let bytes = fs::read(&place).unwrap();
    let (entries, damage) = read(&bytes);
    assert!(damage.is_none());
    assert!(document(&seen(&entries)).contains("app-frozen"));
    let mut newer = frame(0, 0, 1, 1, b"x");
    newer[4] = 2;
    let sum = crc32c::crc32c(&newer[4..28]).to_le_bytes();
    newer[28..32].copy_from_slice(&sum);
    let (entries, _, refusal) = read_or_refuse(&newer);
    assert!(entries.is_empty());
    assert_eq!(refusal, Some(Refusal::Newer(2)));
    assert_eq!(at(0).boot.0, 0);
}
