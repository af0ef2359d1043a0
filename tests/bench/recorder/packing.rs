//! How small records become: plain, with zstd, with deflate, each with and without the dictionary.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use flate2::{Compress, Compression, FlushCompress};
use gatemedic::session::recording::{Entry, Header, Reader, Writer};

/// Recorded incidents, each observation on its own.
pub fn measure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dictionary = fs::read(root.join("assets/recording/dictionary-1")).unwrap();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let (mut framed, mut took) = (0, 0.0);
    for folder in fs::read_dir(root.join("tests/incidents")).unwrap() {
        let Ok(bytes) = fs::read(folder.unwrap().path().join("events.jsonl")) else { continue };
        let mut reader = Reader::new();
        reader.feed(&bytes);
        reader.finish();
        let entries: Vec<Entry> = std::iter::from_fn(|| reader.next()).collect();
        lines.extend(entries.iter().map(|entry| serde_json::to_vec(entry).unwrap()));
        let began = Instant::now();
        let mut out = Vec::new();
        let mut writer = Writer::begin(&Header::default(), &mut out);
        entries.iter().for_each(|entry| writer.add(entry, &mut out));
        writer.flush(&mut out);
        took += began.elapsed().as_secs_f64();
        framed += out.len();
    }
    let raw: usize = lines.iter().map(Vec::len).sum();
    let say = |name: &str, bytes: usize| {
        let each = bytes as f64 / lines.len() as f64;
        println!("{each:8.1} bytes a record, {:.1} to 1: {name}", raw as f64 / bytes as f64);
    };
    println!("{} records of incidents, each packed on its own:", lines.len());
    say("plain", raw);
    for (name, with) in [("zstd", &[][..]), ("zstd with the dictionary", &dictionary)] {
        let mut packer = zstd::bulk::Compressor::with_dictionary(3, with).unwrap();
        say(name, lines.iter().map(|line| packer.compress(line).unwrap().len()).sum());
    }
    // Deflate knows raw text only: the end of the trained dictionary is that.
    for (name, with) in [("deflate", &[][..]), ("deflate with the dictionary", &dictionary)] {
        say(name, lines.iter().map(|line| deflate(line, with)).sum());
    }
    say("as a recording, frames included", framed);
    println!("{:8.1} µs a record", took * 1e6 / lines.len() as f64);
}

fn deflate(line: &[u8], dictionary: &[u8]) -> usize {
    let mut packer = Compress::new(Compression::default(), true);
    if !dictionary.is_empty() {
        packer.set_dictionary(dictionary).unwrap();
    }
    let mut out = Vec::with_capacity(line.len() + 1_024);
    packer.compress_vec(line, &mut out, FlushCompress::Finish).unwrap();
    out.len()
}

/// What a recording is made of, by kind.
pub fn describe(bytes: &[u8]) {
    let mut reader = Reader::new();
    reader.feed(bytes);
    reader.finish();
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    while let Some(entry) = reader.next() {
        let line = serde_json::to_string(&entry).unwrap();
        let kind = match &entry {
            Entry::Seen(_) => {
                let seen = line.find("\"seen\":{\"at\"").and(line.rfind("\"seen\":")).unwrap_or(0);
                line[seen + 7..]
                    .chars()
                    .filter(|c| !"{\"".contains(*c))
                    .take_while(|c| c.is_alphanumeric() || *c == '-')
                    .collect()
            }
            _ => "other".to_owned(),
        };
        let (count, sum) = kinds.entry(kind).or_default();
        *count += 1;
        *sum += line.len();
    }
    println!("{} bytes hold, unpacked and with all that is only confirmed:", bytes.len());
    for (kind, (count, sum)) in kinds {
        println!("{count:8} {kind}, {sum} bytes");
    }
}
