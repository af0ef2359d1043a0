//! Times in logs are read in the console's zone: every part of a world writes them in it.

use gatemedic::practice::{How, World};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::bench::{how, setup, shop, wait};

#[test]
fn every_log_has_the_time_of_the_consoles_zone() {
    let zone = TimeZone::get("Asia/Tokyo").unwrap();
    let how = How { zone: Some("Asia/Tokyo".to_owned()), ..how() };
    let world = World::start(&setup(&shop("does = { kind = 'close' }")), &how).unwrap();
    for (name, format, long) in [
        ("supervisord.log", "%Y-%m-%d %H:%M:%S", 19),
        ("error.log", "%Y/%m/%d %H:%M:%S", 19),
        ("access.log", "%d/%b/%Y:%H:%M:%S", 20),
        ("shop.log", "%Y-%m-%d %H:%M:%S", 19),
    ] {
        let file = world.folder().join("logs").join(name);
        let line = wait(name, || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            text.lines().find(|line| line.contains(':')).map(str::to_owned)
        });
        let from =
            line.find('[').filter(|at| name != "error.log" || *at == 0).map_or(0, |at| at + 1);
        let stamp = &line[from..from + long];
        let then = DateTime::strptime(format, stamp).unwrap_or_else(|e| panic!("{line}: {e}"));
        let secs =
            Timestamp::now().duration_since(then.to_zoned(zone.clone()).unwrap().timestamp());
        assert!(secs.abs().as_secs() < 600, "{name}: {line}");
    }
}
